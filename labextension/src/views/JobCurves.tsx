import { useMemo, useState, type JSX } from 'react';
import { chartsOf, type Chart, type LineOf } from '../core/charts';
import type { Job } from '../core/types';
import { useTrans } from './contexts';
import { ErrorNote } from './ErrorNote';
import { formatMeasured } from './quantities';
import { LineChart, lineName, type Range } from './LineChart';
import { Samples } from './Samples';
import { useSeries } from './useSeries';

const NAMED: LineOf[] = ['training', 'validation', 'held-out'];

/** What a training measures as it goes: its curves, the memory that it was expected to take, its answers to some rows. */
export function JobCurves({ job }: { job: Job }): JSX.Element {
  const trans = useTrans();
  const { series, error } = useSeries(job.id);
  const [at, setAt] = useState<number | null>(null);
  const charts = useMemo(() => (series ? chartsOf(series) : []), [series]);
  const drawn = charts.filter(chart => chart.lines.some(line => line.of !== 'estimate'));
  const named = NAMED.filter(of => charts.some(chart => chart.lines.some(line => line.of === of)));
  const range = rangeOf(drawn);
  const estimate = series?.get('estimated_memory_bytes')?.at(-1)?.value;
  const evaluated = Math.max(
    -1,
    ...charts.flatMap(({ lines }) =>
      lines.flatMap(line =>
        line.of === 'validation' || line.of === 'held-out' ? (line.points.at(-1)?.step ?? -1) : -1
      )
    )
  );
  return (
    <div
      className="jp-ModelDeploy-curves"
      role="group"
      aria-label={trans.__('Curves of %1', job.title)}
    >
      {drawn.length === 0 && !error && (
        <p className="jp-ModelDeploy-detail">
          {series ? trans.__('Nothing is measured yet.') : trans.__('Loading…')}
        </p>
      )}
      {drawn.length > 0 && (
        <p className="jp-ModelDeploy-legend">
          {named.map(of => (
            <span key={of} data-line={of}>
              {lineName(of, trans)}
            </span>
          ))}
        </p>
      )}
      <div className="jp-ModelDeploy-charts">
        {drawn.map(chart => (
          <LineChart key={chart.quantity} chart={chart} range={range} at={at} onAt={setAt} />
        ))}
      </div>
      {estimate !== undefined && (
        <p className="jp-ModelDeploy-detail">
          {trans.__(
            'Estimated memory before the start: %1',
            formatMeasured('memory_bytes', estimate)
          )}
        </p>
      )}
      <Samples job={job} evaluated={evaluated} />
      <ErrorNote error={error} />
    </div>
  );
}

function rangeOf(charts: Chart[]): Range {
  const steps = charts.flatMap(({ lines }) =>
    lines.flatMap(({ points }) => [points[0]?.step ?? 0, points.at(-1)?.step ?? 0])
  );
  return { from: Math.min(...steps), to: Math.max(...steps) };
}
