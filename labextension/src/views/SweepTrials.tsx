import type { JSX } from 'react';
import type { Job, SweepResult, Trial } from '../core/types';
import type { Translation } from '../core/translation';
import { useTrans } from './contexts';
import { formatShare } from './format';

const ORDER: Trial['state'][] = ['done', 'running', 'pruned', 'failed'];

/** The trials of a sweep so far, the best first, and which of the options decide. */
export function SweepTrials({ job }: { job: Job }): JSX.Element {
  const trans = useTrans();
  const sweep = job.result as unknown as SweepResult | null;
  if (!sweep) {
    return <p className="jp-ModelDeploy-detail">{trans.__('No trial has begun.')}</p>;
  }
  const options = Object.keys(sweep.trials[0]?.options ?? {});
  const importance = Object.entries(sweep.importance ?? {});
  return (
    <>
      <table className="jp-ModelDeploy-table">
        <caption>
          {trans.__(
            '%1 of %2 trials, by %3 on validation rows',
            sweep.trials.length,
            sweep.planned,
            sweep.metric
          )}
        </caption>
        <thead>
          <tr>
            <th scope="col">{trans.__('Trial')}</th>
            {options.map(option => (
              <th key={option} scope="col">
                {option.replaceAll('_', ' ')}
              </th>
            ))}
            <th scope="col">{sweep.metric}</th>
            <th scope="col">{trans.__('State')}</th>
            <th scope="col">{trans.__('Seconds')}</th>
          </tr>
        </thead>
        <tbody>
          {ranked(sweep).map(trial => (
            <tr key={trial.number} title={trial.error ?? undefined}>
              <th scope="row">
                {trial.number === sweep.best ? trans.__('%1 (best)', trial.number) : trial.number}
              </th>
              {options.map(option => (
                <td key={option}>{shown(trial.options[option])}</td>
              ))}
              <td>{shown(trial.value)}</td>
              <td>{stateText(trial, trans)}</td>
              <td>{trial.seconds === null ? '' : Math.round(trial.seconds)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {importance.length > 0 && (
        <p className="jp-ModelDeploy-detail">
          {trans.__(
            'What decides: %1',
            importance
              .map(([option, share]) => `${option.replaceAll('_', ' ')} ${formatShare(share, 0)}`)
              .join(', ')
          )}
        </p>
      )}
      {sweep.version !== null && sweep.best !== null && (
        <p className="jp-ModelDeploy-detail">
          {trans.__('%1 was made from trial %2.', sweep.version, sweep.best)}
        </p>
      )}
    </>
  );
}

function ranked({ trials, direction }: SweepResult): Trial[] {
  const sign = direction === 'minimize' ? 1 : -1;
  return [...trials].sort(
    (a, b) =>
      ORDER.indexOf(a.state) - ORDER.indexOf(b.state) ||
      sign * ((a.value ?? 0) - (b.value ?? 0)) ||
      a.number - b.number
  );
}

function shown(value: Trial['options'][string] | null | undefined): string {
  if (typeof value === 'number') {
    return Number(value.toPrecision(4)).toString();
  }
  return value === null || value === undefined ? '' : String(value);
}

function stateText(trial: Trial, trans: Translation): string {
  switch (trial.state) {
    case 'running':
      return trans.__('running');
    case 'done':
      return trans.__('done');
    case 'pruned':
      return trans.__('pruned');
    case 'failed':
      return trans.__('failed');
  }
}
