import type { JSX } from 'react';
import type { Interval, MetricComparison } from '../../core/types';
import { useTrans } from '../contexts';
import { formatInterval, metricText } from './figures';
import { point, WIDTH } from './sequence';

const HEIGHT = 10;

/** The difference in parts of the traffic: as measured, and drawn towards that of all, which is what to go by. */
export function Segments({ metric }: { metric: MetricComparison }): JSX.Element {
  const trans = useTrans();
  const ends = metric.segments.flatMap(({ shrunk }) => [shrunk.low, shrunk.high]);
  const [low, high] = [Math.min(0, ...ends), Math.max(0, ...ends)];
  const x = (value: number): number => (high > low ? (WIDTH * (value - low)) / (high - low) : 0);
  const label = trans.__('Parts of the traffic: %1', metricText(metric.metric, trans));
  return (
    <div className="jp-ModelDeploy-wide" tabIndex={0} role="group" aria-label={label}>
      <table className="jp-ModelDeploy-table" aria-label={label}>
        <thead>
          <tr>
            <th scope="col">{trans.__('Part')}</th>
            <th scope="col">{trans.__('Units')}</th>
            <th scope="col">{trans.__('As measured')}</th>
            <th scope="col">{trans.__('Shrunk')}</th>
            <td />
          </tr>
        </thead>
        <tbody>
          {metric.segments.map(({ attribute, value, units, difference, shrunk }) => (
            <tr key={`${attribute} ${value}`}>
              <th scope="row">{`${attribute}: ${value}`}</th>
              <td>{units.toLocaleString()}</td>
              <td>{formatInterval(metric.unit, difference, trans)}</td>
              <td>{formatInterval(metric.unit, shrunk, trans)}</td>
              <td className="jp-ModelDeploy-forest">
                <Reach shrunk={shrunk} x={x} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** The interval as a line with its middle, over the line of no difference. */
function Reach({ shrunk, x }: { shrunk: Interval; x: (value: number) => number }): JSX.Element {
  const middle = HEIGHT / 2;
  return (
    <div className="jp-ModelDeploy-plot jp-ModelDeploy-still">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
        <path className="jp-ModelDeploy-zero" d={`M${point(x(0), 0)}V${HEIGHT}`} />
        <path
          data-line="training"
          d={`M${point(x(shrunk.low), middle)}H${x(shrunk.high).toFixed(2)}`}
        />
        <path
          className="jp-ModelDeploy-dot"
          data-line="training"
          d={`M${point(x(shrunk.value), middle)}h0.01`}
        />
      </svg>
    </div>
  );
}
