import type { JSX } from 'react';
import type { Experiment } from '../../core/types';
import { useOpenPage, useTrans } from '../contexts';
import { ErrorNote } from '../ErrorNote';
import { ExperimentReport } from '../experiments/ExperimentReport';
import { formatTime, outcomeText } from '../experiments/figures';
import { useExperiment } from '../experiments/useExperiment';
import { PageButton } from './PageButton';
import { PageFrame } from './PageFrame';
import { Part } from './Part';

/** One experiment: what may be said of its two versions now, as long as it runs and afterwards. */
export function ExperimentPage({ id }: { id: string }): JSX.Element {
  const trans = useTrans();
  const openPage = useOpenPage();
  const { found, error } = useExperiment(id);
  if (!found) {
    return <ErrorNote error={error} />;
  }
  const { service, job } = found;
  return (
    <PageFrame
      title={trans.__('%1 against %2', found.candidate, found.base)}
      facts={factsOf(found)}
      actions={
        openPage && (
          <>
            {service && (
              <PageButton
                text={trans.__('Service')}
                label={trans.__('Open the service %1', service)}
                onClick={() => {
                  openPage({ page: 'service', name: service });
                }}
              />
            )}
            {job && (
              <PageButton
                text={trans.__('Job')}
                label={trans.__('Open the page of its job')}
                onClick={() => {
                  openPage({ page: 'job', id: job });
                }}
              />
            )}
          </>
        )
      }
    >
      <div className="jp-ModelDeploy-part">
        <span className="jp-ModelDeploy-state" data-state={TONES[found.outcome]}>
          {outcomeText(found, trans)}
        </span>
        <ErrorNote error={error} />
      </div>
      <Part title={trans.__('Findings')}>
        <ExperimentReport found={found} />
      </Part>
    </PageFrame>
  );
}

/** The colours of states that mean as much. */
const TONES = {
  running: 'running',
  paused: 'stopping',
  'rolled back': 'failed',
  promoted: 'succeeded',
  ended: 'stopped',
  stopped: 'stopped'
} as const satisfies Record<Experiment['outcome'], string>;

function factsOf({
  service,
  owner,
  created_at: from,
  updated_at: to,
  ends_at: end
}: Experiment): string {
  const times = [from, to ?? end].flatMap(at => (at ? [formatTime(at)] : []));
  return [service, owner, times.join(' – ')].filter(Boolean).join(' · ');
}
