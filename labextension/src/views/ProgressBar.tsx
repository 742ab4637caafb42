import type { JSX } from 'react';
import type { Progress } from '../core/types';
import { useTrans } from './contexts';
import { formatShare, formatTimeLeft } from './format';

/** How far something is, and how long it will take; a moving stripe where that is not known. */
export function ProgressBar({
  progress,
  label
}: {
  progress: Progress;
  label: string;
}): JSX.Element {
  const trans = useTrans();
  const { done, total, seconds_left: left } = progress;
  const share = total ? Math.min(1, done / total) : null;
  const words = [
    share === null ? '' : formatShare(share, 0),
    left === null || share === 1 ? '' : formatTimeLeft(left, trans)
  ].filter(Boolean);
  return (
    <div className="jp-ModelDeploy-progress">
      <div
        className="jp-ModelDeploy-bar"
        role="progressbar"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={share === null ? undefined : Math.round(100 * share)}
        aria-valuetext={words.join(', ') || undefined}
        data-unknown={share === null || undefined}
      >
        <div style={{ width: share === null ? undefined : `${100 * share}%` }} />
      </div>
      {words.length > 0 && <span className="jp-ModelDeploy-detail">{words.join(' · ')}</span>}
    </div>
  );
}
