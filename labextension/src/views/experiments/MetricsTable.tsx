import { useState, type JSX } from 'react';
import type { Translation } from '../../core/translation';
import type { Experiment, MetricComparison } from '../../core/types';
import { useTrans } from '../contexts';
import { formatShare } from '../format';
import { SortHeading, type Order } from '../SortHeading';
import { formatIn, formatInterval, formatPValue, metricText, verdictText } from './figures';

/** A column of what is not known of every experiment. */
interface Column {
  key: string;
  name: string;
  of: (one: MetricComparison) => number | null;
  text: (one: MetricComparison) => string;
}

const VERDICTS: MetricComparison['verdict'][] = ['better', 'worse', 'undecided'];

/** Each metric with its interval, sorted by whatever column is asked for; at first as they were asked for. */
export function MetricsTable({
  found
}: {
  found: Pick<Experiment, 'base' | 'candidate' | 'metrics'>;
}): JSX.Element {
  const trans = useTrans();
  const [order, setOrder] = useState<Order>({ key: '', descending: false });
  const columns = columnsOf(trans).filter(({ of }) => found.metrics.some(one => of(one) !== null));
  const heading = (key: string, name: string): JSX.Element => (
    <SortHeading key={key} column={key} name={name} order={order} onOrder={setOrder} />
  );
  const label = trans.__('%1 against %2', found.candidate, found.base);
  return (
    <div className="jp-ModelDeploy-wide" tabIndex={0} role="group" aria-label={label}>
      <table className="jp-ModelDeploy-table jp-ModelDeploy-versions" aria-label={label}>
        <thead>
          <tr>
            {heading('metric', trans.__('Metric'))}
            <th scope="col">{found.base}</th>
            <th scope="col">{found.candidate}</th>
            {columns.map(({ key, name }) => heading(key, name))}
            {heading('verdict', trans.__('Verdict'))}
          </tr>
        </thead>
        <tbody>
          {inOrder(found.metrics, columns, order, trans).map(one => (
            <tr key={one.metric}>
              <th scope="row">{metricText(one.metric, trans)}</th>
              <td>{formatIn(one.unit, one.base)}</td>
              <td>{formatIn(one.unit, one.candidate)}</td>
              {columns.map(({ key, text }) => (
                <td key={key} title={key === 'difference' ? one.method : undefined}>
                  {text(one)}
                </td>
              ))}
              <td className="jp-ModelDeploy-verdict" data-verdict={one.verdict}>
                {one.difference ? verdictText(one, trans) : one.note}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function columnsOf(trans: Translation): Column[] {
  return [
    {
      key: 'difference',
      name: trans.__('Difference'),
      of: one => one.difference?.value ?? null,
      text: one => (one.difference ? formatInterval(one.unit, one.difference, trans) : '')
    },
    {
      key: 'relative',
      name: trans.__('Relative'),
      of: one => one.relative?.value ?? null,
      text: one =>
        one.relative ? `${one.relative.value > 0 ? '+' : ''}${formatShare(one.relative.value)}` : ''
    },
    {
      key: 'p',
      name: trans.__('p-value'),
      of: one => one.p_value,
      text: one => (one.p_value === null ? '' : formatPValue(one.p_value))
    },
    {
      key: 'chance',
      name: trans.__('Chance better'),
      of: one => one.chance_better,
      text: one => (one.chance_better === null ? '' : formatShare(one.chance_better))
    },
    {
      key: 'missing',
      name: trans.__('Units missing'),
      of: one => one.units_missing,
      text: one => one.units_missing?.toLocaleString() ?? ''
    }
  ];
}

function inOrder(
  metrics: readonly MetricComparison[],
  columns: readonly Column[],
  { key, descending }: Order,
  trans: Translation
): MetricComparison[] {
  const sign = descending ? -1 : 1;
  const of = columns.find(column => column.key === key)?.of;
  return [...metrics].sort((a, b) => {
    if (key === 'metric') {
      return sign * metricText(a.metric, trans).localeCompare(metricText(b.metric, trans));
    }
    if (key === 'verdict') {
      return sign * (VERDICTS.indexOf(a.verdict) - VERDICTS.indexOf(b.verdict));
    }
    const [one, other] = [of?.(a) ?? null, of?.(b) ?? null];
    return one === null || other === null
      ? Number(one === null) - Number(other === null)
      : sign * (one - other);
  });
}
