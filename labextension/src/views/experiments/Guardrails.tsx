import type { JSX } from 'react';
import type { Translation } from '../../core/translation';
import type { Experiment, GuardrailState } from '../../core/types';
import { useTrans } from '../contexts';
import { formatShare } from '../format';
import { formatIn, formatInterval, metricText } from './figures';

/** What the candidate must not do, and whether it does. */
export function Guardrails({
  found
}: {
  found: Pick<Experiment, 'guardrails' | 'metrics'>;
}): JSX.Element {
  const trans = useTrans();
  const unitOf = (metric: string): string =>
    found.metrics.find(one => one.metric === metric)?.unit ?? '';
  return (
    <div
      className="jp-ModelDeploy-wide"
      tabIndex={0}
      role="group"
      aria-label={trans.__('Guardrails')}
    >
      <table className="jp-ModelDeploy-table" aria-label={trans.__('Guardrails')}>
        <thead>
          <tr>
            <th scope="col">{trans.__('Metric')}</th>
            <th scope="col">{trans.__('Worse by at most')}</th>
            <th scope="col">{trans.__('Worse by')}</th>
            <th scope="col">{trans.__('Else')}</th>
            <th scope="col">{trans.__('State')}</th>
          </tr>
        </thead>
        <tbody>
          {found.guardrails.map(one => {
            const { metric, at_most: most, relative, then } = one.guardrail;
            const unit = relative ? 'proportion' : unitOf(metric);
            return (
              <tr key={`${metric} ${most} ${then}`}>
                <th scope="row">{metricText(metric, trans)}</th>
                <td>{relative ? formatShare(most) : formatIn(unit, most)}</td>
                <td>{harmText(one, unit, trans)}</td>
                <td>{thenText(one, trans)}</td>
                <td>
                  <span className="jp-ModelDeploy-state" data-state={TONES[one.state]}>
                    {stateText(one, trans)}
                  </span>
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

const TONES = { open: 'queued', held: 'succeeded', breached: 'failed' } as const;

function harmText(
  { harm, guardrail, note }: GuardrailState,
  unit: string,
  trans: Translation
): string {
  if (!harm) {
    return note;
  }
  return guardrail.relative
    ? trans.__(
        '%1 (%2 to %3)',
        formatShare(harm.value),
        formatShare(harm.low),
        formatShare(harm.high)
      )
    : formatInterval(unit, harm, trans);
}

function thenText({ guardrail }: GuardrailState, trans: Translation): string {
  switch (guardrail.then) {
    case 'roll back':
      return trans.__('roll back');
    case 'pause':
      return trans.__('pause');
    case 'report':
      return trans.__('report');
  }
}

function stateText({ state }: GuardrailState, trans: Translation): string {
  switch (state) {
    case 'open':
      return trans.__('open');
    case 'held':
      return trans.__('held');
    case 'breached':
      return trans.__('breached');
  }
}
