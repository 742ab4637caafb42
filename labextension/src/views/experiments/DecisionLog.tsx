import type { JSX } from 'react';
import type { Translation } from '../../core/translation';
import type { Decision } from '../../core/types';
import { useTrans } from '../contexts';
import { formatShare } from '../format';
import { formatTime } from './figures';

/** What was done to the traffic, by whom and why, the last first. */
export function DecisionLog({ decisions }: { decisions: readonly Decision[] }): JSX.Element {
  const trans = useTrans();
  return (
    <ol className="jp-ModelDeploy-decisions" aria-label={trans.__('Decisions')} role="list">
      {decisions
        .map(one => (
          <li key={`${one.at} ${one.action}`}>
            <strong>{actionText(one, trans)}</strong>
            <span className="jp-ModelDeploy-detail">
              {trans.__('%1, by %2', formatTime(one.at), one.by)}
            </span>
            <span>{one.why}</span>
          </li>
        ))
        .reverse()}
    </ol>
  );
}

function actionText({ action, share }: Decision, trans: Translation): string {
  const part = formatShare(share, share > 0 && share < 0.01 ? 1 : 0);
  switch (action) {
    case 'start':
      return trans.__('Started with %1', part);
    case 'step':
      return trans.__('Raised to %1', part);
    case 'pause':
      return trans.__('Paused at %1', part);
    case 'resume':
      return trans.__('Resumed with %1', part);
    case 'roll back':
      return trans.__('Rolled back');
    case 'promote':
      return trans.__('Promoted to %1', part);
    case 'stop':
      return trans.__('Stopped; the candidate keeps %1', part);
    case 'end':
      return trans.__('Ended; the candidate keeps %1', part);
  }
}
