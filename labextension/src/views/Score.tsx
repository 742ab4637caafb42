import type { JSX } from 'react';
import type { Version } from '../core/types';
import { useTrans } from './contexts';
import { formatShare } from './format';

/** The accuracy of a version, where it was measured. */
export function Score({ metrics }: { metrics: Version['metrics'] }): JSX.Element | null {
  const trans = useTrans();
  const accuracy = metrics.accuracy;
  if (accuracy === undefined) {
    return null;
  }
  return <span title={trans.__('Accuracy on held-out data')}>{formatShare(accuracy)}</span>;
}
