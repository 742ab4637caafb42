import { useState, type JSX } from 'react';
import type { MetricComparison } from '../../core/types';
import { useTrans } from '../contexts';
import { formatInterval, formatTime, metricText } from './figures';

const MOST_ROWS = 200;

/** The picture of a metric's sequence in figures, the last look first; made when it is unfolded. */
export function LooksTable({ metric }: { metric: MetricComparison }): JSX.Element {
  const trans = useTrans();
  const [open, setOpen] = useState(false);
  return (
    <details
      className="jp-ModelDeploy-more"
      onToggle={event => {
        setOpen(event.currentTarget.open);
      }}
    >
      <summary>{trans.__('The picture in figures')}</summary>
      {open && (
        <table
          className="jp-ModelDeploy-table"
          aria-label={trans.__('Looks at %1', metricText(metric.metric, trans))}
        >
          <thead>
            <tr>
              <th scope="col">{trans.__('When')}</th>
              <th scope="col">{trans.__('Units')}</th>
              <th scope="col">{trans.__('Difference')}</th>
            </tr>
          </thead>
          <tbody>
            {[...metric.looks]
              .reverse()
              .slice(0, MOST_ROWS)
              .map(look => (
                <tr key={look.at}>
                  <th scope="row">{formatTime(look.at)}</th>
                  <td>{look.units.toLocaleString()}</td>
                  <td>{formatInterval(metric.unit, look.difference, trans)}</td>
                </tr>
              ))}
          </tbody>
        </table>
      )}
    </details>
  );
}
