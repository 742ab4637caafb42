import type { JSX } from 'react';
import type { Rehearsal } from '../../core/types';
import { useTrans } from '../contexts';
import { DecisionLog } from './DecisionLog';
import { Guardrails } from './Guardrails';
import { MetricsTable } from './MetricsTable';

/** What an experiment would have done, when and why, and how much of the recording that is from. */
export function RehearsalReport({ found }: { found: Rehearsal }): JSX.Element {
  const trans = useTrans();
  const taken = found.units.reduce((sum, units) => sum + units, 0);
  const fallbacks = found.fallbacks ?? 0;
  return (
    <div className="jp-ModelDeploy-experiment">
      <p className="jp-ModelDeploy-conclusion" role="status">
        {found.verdict}
      </p>
      <p className="jp-ModelDeploy-detail">
        {trans.__(
          '%1 of %2 recorded units fit the shares that were asked for.',
          taken.toLocaleString(),
          found.recorded.toLocaleString()
        )}{' '}
        {fallbacks > 0 &&
          trans.__(
            "%1 of them got a fallback's answer: a failure of the version that was asked.",
            fallbacks.toLocaleString()
          )}{' '}
        {!found.is_over && trans.__('The recording ended before the experiment would have.')}
      </p>
      {found.decisions.length > 0 && <DecisionLog decisions={found.decisions} />}
      {found.metrics.length > 0 && <MetricsTable found={found} />}
      {found.guardrails.length > 0 && <Guardrails found={found} />}
    </div>
  );
}
