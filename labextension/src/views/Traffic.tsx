import type { JSX } from 'react';
import type { ServedModel } from '../core/types';
import { useTrans } from './contexts';
import { formatShare } from './format';
import { routingText } from './routing/routingText';

/** The versions of a served model, each with its share of the traffic, and what else routes it. */
export function Traffic({ served }: { served: ServedModel }): JSX.Element {
  const routing = routingText(served, useTrans());
  const whole = served.arms.reduce((sum, arm) => sum + arm.weight, 0);
  return (
    <>
      {served.arms.map(arm => (
        <div key={arm.version} className="jp-ModelDeploy-line jp-ModelDeploy-detail">
          <span>{`${served.model}@${arm.version}`}</span>
          <span>{formatShare(arm.weight / whole, 0)}</span>
        </div>
      ))}
      {routing && <div className="jp-ModelDeploy-detail">{routing}</div>}
    </>
  );
}
