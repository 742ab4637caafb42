import type { JSX } from 'react';
import type { ServedModel } from '../core/types';
import { formatShare } from './format';

/** The versions of a served model, each with its share of the traffic. */
export function Traffic({ served }: { served: ServedModel }): JSX.Element {
  const whole = served.arms.reduce((sum, arm) => sum + arm.weight, 0);
  return (
    <>
      {served.arms.map(arm => (
        <div key={arm.version} className="jp-ModelDeploy-line jp-ModelDeploy-detail">
          <span>{`${served.model}@${arm.version}`}</span>
          <span>{formatShare(arm.weight / whole, 0)}</span>
        </div>
      ))}
    </>
  );
}
