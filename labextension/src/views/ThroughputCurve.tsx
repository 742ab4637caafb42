import type { JSX } from 'react';
import type { LoadStep } from '../core/types';
import { useTrans } from './contexts';
import { formatFigure } from './format';

const WIDTH = 100;
const HEIGHT = 40;
const ROOM = 4;

/** The median and the 99th percentile over the throughput; the table beside it says the same in words. */
export function ThroughputCurve({ steps }: { steps: readonly LoadStep[] }): JSX.Element {
  const trans = useTrans();
  const right = Math.max(...steps.map(step => step.throughput_rps));
  const top = Math.max(
    ...steps.map(step => step.latency.p99?.value ?? step.latency.p50?.value ?? 0)
  );
  const x = (rate: number): number => (right > 0 ? ROOM + ((WIDTH - 2 * ROOM) * rate) / right : 0);
  const y = (ms: number): number =>
    top > 0 ? HEIGHT - ROOM - ((HEIGHT - 2 * ROOM) * ms) / top : HEIGHT / 2;
  const path = (of: 'p50' | 'p99'): string =>
    steps
      .flatMap(({ throughput_rps, latency }) =>
        latency[of] ? [`${x(throughput_rps).toFixed(2)} ${y(latency[of].value).toFixed(2)}`] : []
      )
      .map((point, index) => `${index ? 'L' : 'M'}${point}h0.01`)
      .join('');
  return (
    <figure className="jp-ModelDeploy-chart">
      <figcaption>{trans.__('Latency over throughput: median and 99 %')}</figcaption>
      <div className="jp-ModelDeploy-plot">
        <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
          <path data-line="training" d={path('p50')} />
          <path data-line="validation" d={path('p99')} />
        </svg>
        <span className="jp-ModelDeploy-high">{trans.__('%1 ms', formatFigure(top))}</span>
      </div>
    </figure>
  );
}
