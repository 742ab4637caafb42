import type { JSX } from 'react';
import type { Experiment } from '../../core/types';
import { useTrans } from '../contexts';
import { ExperimentActions } from './ExperimentActions';
import { ExperimentReport } from './ExperimentReport';
import { outcomeText } from './figures';

/** The colours of states that mean as much. */
const TONES = {
  running: 'running',
  paused: 'stopping',
  'rolled back': 'failed',
  promoted: 'succeeded',
  ended: 'stopped',
  stopped: 'stopped'
} as const satisfies Record<Experiment['outcome'], string>;

/** An experiment with what can be done with it, and what it found. */
export function LiveReport({ found }: { found: Experiment }): JSX.Element {
  const trans = useTrans();
  return (
    <>
      <span className="jp-ModelDeploy-state" data-state={TONES[found.outcome]}>
        {outcomeText(found, trans)}
      </span>
      {found.namespace && (
        <span className="jp-ModelDeploy-detail">
          {trans.__(
            'Only units from %1 to below %2 of the namespace %3 take part.',
            found.namespace.start,
            found.namespace.end,
            found.namespace.id
          )}
        </span>
      )}
      <ExperimentActions found={found} />
      <ExperimentReport found={found} />
    </>
  );
}
