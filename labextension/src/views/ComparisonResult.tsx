import type { JSX } from 'react';
import type { Translation } from '../core/translation';
import type { Experiment, Job } from '../core/types';
import { useTrans } from './contexts';
import { formatFigure } from './format';
import { quantityName } from './quantities';

type Comparison = Experiment['metrics'][number];

/** What a comparison of two versions found: the verdict in words, and each metric with its interval. */
export function ComparisonResult({ job }: { job: Job }): JSX.Element {
  const trans = useTrans();
  const found = job.result?.experiment as Experiment | undefined;
  if (!found) {
    return <p className="jp-ModelDeploy-detail">{trans.__('Nothing was measured yet.')}</p>;
  }
  return (
    <>
      <p>{found.verdict}</p>
      <table
        className="jp-ModelDeploy-table"
        aria-label={trans.__('%1 against %2', found.candidate, found.base)}
      >
        <thead>
          <tr>
            <th scope="col">{trans.__('Metric')}</th>
            <th scope="col">{found.base}</th>
            <th scope="col">{found.candidate}</th>
            <th scope="col">{trans.__('Difference')}</th>
            <th scope="col">{trans.__('Verdict')}</th>
          </tr>
        </thead>
        <tbody>
          {found.metrics.map(one => (
            <tr key={one.metric}>
              <th scope="row">{metricText(one, trans)}</th>
              <td>{formatFigure(one.base)}</td>
              <td>{formatFigure(one.candidate)}</td>
              <td title={one.method}>
                {one.difference
                  ? trans.__(
                      '%1 (%2 to %3)',
                      formatFigure(one.difference.value),
                      formatFigure(one.difference.low),
                      formatFigure(one.difference.high)
                    )
                  : one.note}
              </td>
              <td>{verdictText(one, trans)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

function metricText({ metric }: Comparison, trans: Translation): string {
  switch (metric) {
    case 'latency_ms':
      return trans.__('Latency (ms)');
    case 'error_rate':
      return trans.__('Rate of errors');
    default:
      return quantityName(metric, trans);
  }
}

function verdictText({ verdict }: Comparison, trans: Translation): string {
  switch (verdict) {
    case 'better':
      return trans.__('better');
    case 'worse':
      return trans.__('worse');
    case 'undecided':
      return trans.__('undecided');
  }
}
