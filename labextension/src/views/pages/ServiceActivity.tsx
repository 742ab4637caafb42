import type { JSX } from 'react';
import type { ServiceFigures } from '../../core/types';
import { useApi, useTrans } from '../contexts';
import { ErrorNote } from '../ErrorNote';
import { formatBytes, formatFigure, formatShare } from '../format';
import { usePolled } from '../usePolled';
import { LiveChart, type LiveLine } from './LiveChart';

const LOOK_MS = 2000;
/** Looks that are drawn: five minutes. */
const MOST_LOOKS = 150;

type OfVersion = ServiceFigures['versions'][number];

/** How a running service answers: rate, latency and errors of each version as they go, and what its server processes are
 * busy with. */
export function ServiceActivity({ name }: { name: string }): JSX.Element {
  const api = useApi();
  const trans = useTrans();
  const {
    answers: looks,
    error,
    ref
  } = usePolled<ServiceFigures, HTMLDivElement>(name, LOOK_MS, MOST_LOOKS, () => api.figures(name));
  const answer = looks.at(-1);
  const versions = answer?.versions ?? [];
  const lines = (of: (figures: OfVersion) => number | null): LiveLine[] =>
    versions.map(({ version }) => ({
      name: version,
      values: looks.map(look => {
        const figures = look.versions.find(one => one.version === version);
        return figures ? of(figures) : null;
      })
    }));
  return (
    <div ref={ref}>
      {answer && (
        <>
          <p className="jp-ModelDeploy-legend">
            {versions.map(({ version }, index) => (
              <span key={version} data-arm={index}>
                {version}
              </span>
            ))}
          </p>
          <div className="jp-ModelDeploy-charts">
            <LiveChart
              title={trans.__('Requests per second')}
              lines={lines(one => one.rps)}
              format={formatFigure}
            />
            <LiveChart
              title={trans.__('Latency, median (ms)')}
              lines={lines(one => one.p50_ms)}
              format={formatFigure}
            />
            <LiveChart
              title={trans.__('Latency, 99 % (ms)')}
              lines={lines(one => one.p99_ms)}
              format={formatFigure}
            />
            <LiveChart
              title={trans.__('Errors')}
              lines={lines(one => one.failed_share)}
              format={share => formatShare(share)}
            />
          </div>
          <VersionsNow versions={versions} />
          <Replicas replicas={answer.replicas} />
        </>
      )}
      <ErrorNote error={error} />
    </div>
  );
}

function VersionsNow({ versions }: { versions: readonly OfVersion[] }): JSX.Element {
  const trans = useTrans();
  return (
    <table className="jp-ModelDeploy-table" aria-label={trans.__('Versions')}>
      <thead>
        <tr>
          <th scope="col">{trans.__('Version')}</th>
          <th scope="col">{trans.__('Requests')}</th>
          <th scope="col">{trans.__('Failed')}</th>
          <th scope="col">{trans.__('Per second')}</th>
          <th scope="col">{trans.__('Median (ms)')}</th>
          <th scope="col">{trans.__('99 % (ms)')}</th>
        </tr>
      </thead>
      <tbody>
        {versions.map(one => (
          <tr key={one.version}>
            <th scope="row">{one.version}</th>
            <td>{one.requests.toLocaleString()}</td>
            <td>{one.failures.toLocaleString()}</td>
            <td>{formatFigure(one.rps)}</td>
            <td>{formatFigure(one.p50_ms)}</td>
            <td>{formatFigure(one.p99_ms)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Replicas({ replicas }: { replicas: ServiceFigures['replicas'] }): JSX.Element | null {
  const trans = useTrans();
  return replicas.length === 0 ? null : (
    <table className="jp-ModelDeploy-table" aria-label={trans.__('Server processes')}>
      <thead>
        <tr>
          <th scope="col">{trans.__('Server process')}</th>
          <th scope="col">{trans.__('Per second')}</th>
          <th scope="col">{trans.__('Wait (ms)')}</th>
          <th scope="col">{trans.__('Under way')}</th>
          <th scope="col">{trans.__('Cores')}</th>
          <th scope="col">{trans.__('Memory')}</th>
        </tr>
      </thead>
      <tbody>
        {replicas.map(one => (
          <tr key={one.pid}>
            <th scope="row">{trans.__('%1 (process %2)', one.index, one.pid)}</th>
            <td>{formatFigure(one.rps)}</td>
            <td>{formatFigure(one.queue_ms)}</td>
            <td>{one.in_flight}</td>
            <td>{formatFigure(one.utilization)}</td>
            <td>{formatBytes(one.rss_bytes)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
