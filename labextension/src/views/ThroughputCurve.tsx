import type { JSX } from 'react';
import type { LoadReport } from '../core/types';
import { useTrans } from './contexts';
import { formatFigure } from './format';

const WIDTH = 100;
const HEIGHT = 40;
const ROOM = 4;

/** The median and the 99th percentile over the throughput, a dot a step, with a line at the recommended one; the table beside
 * it says the same in words. */
export function ThroughputCurve({ report }: { report: LoadReport }): JSX.Element {
  const trans = useTrans();
  const { steps, recommended } = report;
  const right = Math.max(...steps.map(step => step.throughput_rps));
  const top = Math.max(
    ...steps.map(step => step.latency.p99?.value ?? step.latency.p50?.value ?? 0)
  );
  const x = (rate: number): string =>
    (right > 0 ? ROOM + ((WIDTH - 2 * ROOM) * rate) / right : ROOM).toFixed(2);
  const y = (ms: number): string =>
    (top > 0 ? HEIGHT - ROOM - ((HEIGHT - 2 * ROOM) * ms) / top : HEIGHT / 2).toFixed(2);
  const chosen = recommended === null ? undefined : steps[recommended];
  const lines = [
    { line: 'training', of: 'p50', name: trans.__('median') },
    { line: 'validation', of: 'p99', name: trans.__('99 %') }
  ] as const;
  return (
    <figure className="jp-ModelDeploy-chart">
      <figcaption>
        <span>{trans.__('Latency over throughput')}</span>
        <span className="jp-ModelDeploy-chartValues">
          {lines.map(({ line, name }) => (
            <span key={line} data-line={line}>
              {name}
            </span>
          ))}
        </span>
      </figcaption>
      <div className="jp-ModelDeploy-plot">
        <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
          {chosen && (
            <path
              className="jp-ModelDeploy-cursor"
              d={`M${x(chosen.throughput_rps)} 0V${HEIGHT}`}
            />
          )}
          {lines.map(({ line, of }) => {
            const points = steps.flatMap(({ throughput_rps, latency }) =>
              latency[of] ? [`${x(throughput_rps)} ${y(latency[of].value)}`] : []
            );
            return (
              <g key={line} data-line={line}>
                <path
                  data-line={line}
                  d={points.map((at, index) => `${index ? 'L' : 'M'}${at}`).join('')}
                />
                <path className="jp-ModelDeploy-dot" d={points.map(at => `M${at}h0.01`).join('')} />
              </g>
            );
          })}
        </svg>
        <span className="jp-ModelDeploy-high">{trans.__('%1 ms', formatFigure(top))}</span>
        <span className="jp-ModelDeploy-low">0</span>
        <span className="jp-ModelDeploy-step">
          {trans.__('%1 requests/s', formatFigure(right))}
        </span>
      </div>
    </figure>
  );
}
