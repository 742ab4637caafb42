import { useId, useState, type JSX, type KeyboardEvent, type PointerEvent } from 'react';
import type { Translation } from '../../core/translation';
import type { MetricComparison } from '../../core/types';
import { useTrans } from '../contexts';
import { keyTarget } from '../keyTarget';
import { formatDifference, formatInterval, formatTime, metricText } from './figures';
import { bandOf, HEIGHT, lineOf, point, sequenceOf, WIDTH, type Sequence } from './sequence';

/** How the difference in a metric came to be known: the interval around it at every look, as a band over the time, with
 * the line of no difference and, dashed, the smallest differences that matter. A look's figures can be had by pointer and
 * by arrow keys. */
export function SequenceChart({ metric }: { metric: MetricComparison }): JSX.Element | null {
  const sequence = sequenceOf(metric);
  return sequence && <Drawn metric={metric} sequence={sequence} />;
}

function Drawn({
  metric,
  sequence
}: {
  metric: MetricComparison;
  sequence: Sequence;
}): JSX.Element {
  const trans = useTrans();
  const id = useId();
  const [at, setAt] = useState<number | null>(null);
  const { looks } = sequence;
  const last = looks.length - 1;
  const place = Math.min(at ?? last, last);
  const effect = metric.minimum_effect;
  const move = (event: KeyboardEvent): void => {
    const to = keyTarget(event.key, place, looks.length);
    if (to !== null) {
      event.preventDefault();
      setAt(to === last ? null : to); // the end goes on moving
    }
  };
  const follow = (event: PointerEvent): void => {
    const box = event.currentTarget.getBoundingClientRect();
    setAt(nearest(sequence, (WIDTH * (event.clientX - box.left)) / Math.max(1, box.width)));
  };
  const leave = (): void => {
    setAt(null);
  };
  return (
    <figure className="jp-ModelDeploy-chart jp-ModelDeploy-sequence">
      <figcaption>
        <span id={`${id}-name`}>
          {trans.__('Difference in %1', metricText(metric.metric, trans))}
        </span>
        <span className="jp-ModelDeploy-chartValues">{toldOf(metric, place, trans)}</span>
      </figcaption>
      <div
        className="jp-ModelDeploy-plot"
        role="slider"
        tabIndex={0}
        aria-labelledby={`${id}-name`}
        aria-valuemin={1}
        aria-valuemax={looks.length}
        aria-valuenow={place + 1}
        aria-valuetext={[formatTime(looks[place]?.at ?? ''), toldOf(metric, place, trans)].join(
          ', '
        )}
        onKeyDown={move}
        onPointerMove={follow}
        onPointerLeave={leave}
        onBlur={leave}
      >
        <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
          <path className="jp-ModelDeploy-band" data-line="training" d={bandOf(sequence)} />
          <path className="jp-ModelDeploy-zero" d={level(sequence.y(0))} />
          {effect !== null &&
            [effect, -effect].map(value => (
              <path key={value} data-line="estimate" d={level(sequence.y(value))} />
            ))}
          <path data-line="training" d={lineOf(sequence)} />
          {at !== null && (
            <path
              className="jp-ModelDeploy-cursor"
              d={`M${point(sequence.x(place), 0)}V${HEIGHT}`}
            />
          )}
        </svg>
        <span className="jp-ModelDeploy-high">
          {formatDifference(metric.unit, sequence.high, trans)}
        </span>
        <span className="jp-ModelDeploy-low">
          {formatDifference(metric.unit, sequence.low, trans)}
        </span>
        <span className="jp-ModelDeploy-step">{formatTime(looks[place]?.at ?? '')}</span>
      </div>
    </figure>
  );
}

/** `−3.4 ms (−4.1 to −2.7), 1,200 units`. */
function toldOf(metric: MetricComparison, place: number, trans: Translation): string {
  const look = metric.looks[place];
  return look
    ? trans.__(
        '%1, %2 units',
        formatInterval(metric.unit, look.difference, trans),
        look.units.toLocaleString()
      )
    : '';
}

function nearest({ looks, x }: Sequence, wanted: number): number {
  return looks.reduce(
    (best, _, index) => (Math.abs(x(index) - wanted) < Math.abs(x(best) - wanted) ? index : best),
    0
  );
}

function level(y: number): string {
  return `M${point(0, y)}H${WIDTH}`;
}
