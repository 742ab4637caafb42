import type { JSX } from 'react';
import type { Interval, ShadowFigures } from '../../core/types';
import { useApi, useTrans } from '../contexts';
import { ErrorNote } from '../ErrorNote';
import { formatFigure, formatShare } from '../format';
import { usePolled } from '../usePolled';

/** Each look reads all of the records that are kept. */
const LOOK_MS = 10_000;

/** How the versions that get copies answered them, beside those that answered the requests. */
export function CopiesCompared({ service }: { service: string }): JSX.Element {
  const api = useApi();
  const trans = useTrans();
  const { answers, error, ref } = usePolled<ShadowFigures, HTMLDivElement>(
    service,
    LOOK_MS,
    1,
    () => api.shadow(service)
  );
  const [found] = answers;
  return (
    <div ref={ref}>
      {found && found.comparisons.length > 0 && (
        <table className="jp-ModelDeploy-table" aria-label={trans.__('Copies of %1', service)}>
          <thead>
            <tr>
              <th scope="col">{trans.__('Copies for')}</th>
              <th scope="col">{trans.__('Answered with')}</th>
              <th scope="col">{trans.__('Copies')}</th>
              <th scope="col">{trans.__('Agreement')}</th>
              <th scope="col">{trans.__('Errors')}</th>
              <th scope="col">{trans.__('Slower by (ms)')}</th>
            </tr>
          </thead>
          <tbody>
            {found.comparisons.map(one => (
              <tr key={`${one.shadow} ${one.version}`}>
                <th scope="row">{one.shadow}</th>
                <td>{one.version}</td>
                <td>{one.copies.toLocaleString()}</td>
                <td>{within(one.agreement, formatShare)}</td>
                <td>{within(one.errors, formatShare)}</td>
                <td>{within(one.slower_ms, formatFigure)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {found && found.dropped > 0 && (
        <p className="jp-ModelDeploy-detail">
          {trans.__(
            '%1 copies were dropped: no instance was idle.',
            found.dropped.toLocaleString()
          )}
        </p>
      )}
      <ErrorNote error={error} />
    </div>
  );
}

/** A figure with the ends of its interval; nothing of what is not known. */
function within(interval: Interval | null, format: (value: number) => string): string {
  return interval
    ? `${format(interval.value)} (${format(interval.low)} … ${format(interval.high)})`
    : '';
}
