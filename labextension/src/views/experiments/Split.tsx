import type { JSX } from 'react';
import type { Translation } from '../../core/translation';
import type { Experiment } from '../../core/types';
import { useTrans } from '../contexts';
import { formatPValue } from './figures';

/** Below it the traffic was not split as asked: what the sample-ratio check of experiments is held to everywhere. */
const MISMATCH = 0.001;

type Suspicion = Experiment['suspicions'][number];

/** How many units met each version, whether that is as it was asked for, and what was left out. On labelled rows there
 * was nothing to split. */
export function Split({ found }: { found: Experiment }): JSX.Element {
  const trans = useTrans();
  const p = formatPValue(found.split_p_value);
  const wrong = found.split_p_value < MISMATCH;
  return (
    <>
      {found.units.length > 1 && (
        <p>
          {[found.base, found.candidate]
            .map((ref, arm) => armText(found, ref, arm, trans))
            .join(' · ')}
        </p>
      )}
      {found.kind !== 'offline' && (
        <p className={wrong ? 'jp-ModelDeploy-warning' : 'jp-ModelDeploy-detail'}>
          {wrong
            ? trans.__(
                'The traffic was not split as asked (sample-ratio check, p = %1): no verdict may be trusted. Look for requests that are lost, repeated or made up before you go by any figure.',
                p
              )
            : trans.__('The traffic was split as asked (sample-ratio check, p = %1).', p)}
        </p>
      )}
      {found.suspicions.length > 0 && (
        <ul aria-label={trans.__('Left out or suspicious')}>
          {found.suspicions.map(one => (
            <li key={`${one.kind} ${one.note}`}>
              {trans.__('%1: %2.', suspicionText(one, trans), one.count.toLocaleString())}{' '}
              {one.note}
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

function armText(found: Experiment, ref: string, arm: number, trans: Translation): string {
  const units = (found.units[arm] ?? 0).toLocaleString();
  return found.kind === 'offline'
    ? trans.__('%1: %2 rows', ref, units)
    : trans.__('%1: %2 units', ref, units);
}

function suspicionText({ kind }: Suspicion, trans: Translation): string {
  switch (kind) {
    case 'crossed':
      return trans.__('Units that met both versions');
    case 'busiest':
      return trans.__('Units with far more requests than others');
    case 'duplicate':
      return trans.__('Outcomes sent twice');
    case 'unknown':
      return trans.__('Outcomes of units that were never served');
    case 'dropped':
      return trans.__('Rows that were dropped');
    case 'damaged':
      return trans.__('Damaged files of recorded requests');
  }
}
