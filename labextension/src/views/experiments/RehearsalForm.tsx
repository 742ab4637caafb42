import { useState, type JSX } from 'react';
import type { ExperimentRequest, Rehearsal } from '../../core/types';
import { useApi, useTrans } from '../contexts';
import { ErrorNote } from '../ErrorNote';
import { PageButton } from '../pages/PageButton';
import { useAction } from '../useAction';
import { RehearsalReport } from './RehearsalReport';

/** Traffic that was recorded, by the name that the API knows it by. */
export interface Recording {
  traffic: string;
  title: string;
}

/** What an experiment would have done in recorded traffic, before it is started in traffic that is meant. */
export function RehearsalForm({
  request: { name, ...options },
  recordings
}: {
  request: ExperimentRequest;
  recordings: readonly Recording[];
}): JSX.Element {
  const api = useApi();
  const trans = useTrans();
  const [chosen, setChosen] = useState('');
  const [found, setFound] = useState<Rehearsal | null>(null);
  const traffic = recordings.find(one => one.traffic === chosen) ?? recordings[0];
  const rehearse = useAction(async () => {
    setFound(null);
    setFound(await api.rehearse({ ...options, traffic: traffic?.traffic ?? '' }));
  });
  return (
    <details className="jp-ModelDeploy-more">
      <summary>{trans.__('Dry run in recorded traffic')}</summary>
      {traffic ? (
        <div className="jp-ModelDeploy-buttons">
          <select
            aria-label={trans.__('Recorded traffic of %1', name)}
            value={traffic.traffic}
            onChange={event => {
              setChosen(event.target.value);
            }}
          >
            {recordings.map(one => (
              <option key={one.traffic} value={one.traffic}>
                {one.title}
              </option>
            ))}
          </select>
          <PageButton
            text={trans.__('Dry run')}
            label={trans.__('Dry run of the form above in recorded traffic')}
            disabled={rehearse.busy}
            onClick={rehearse.run}
          />
        </div>
      ) : (
        <p className="jp-ModelDeploy-empty">
          {trans.__(
            'Nothing is recorded yet: experiments record what they see, and a service with log_sample above 0 its requests.'
          )}
        </p>
      )}
      {found && <RehearsalReport found={found} />}
      <ErrorNote error={rehearse.error} />
    </details>
  );
}
