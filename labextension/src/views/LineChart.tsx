import { useId, type JSX, type KeyboardEvent, type PointerEvent } from 'react';
import type { Chart, Line, LineOf } from '../core/charts';
import { nearest } from '../core/series';
import type { Translation } from '../core/translation';
import { useTrans } from './contexts';
import { keyTarget } from './keyTarget';
import { formatMeasured, quantityName } from './quantities';

const WIDTH = 100;
const HEIGHT = 40;
/** A line of so few points shows each of them. */
const FEW = 12;

/** The lines of one quantity over the steps. What they are at one step can be had by pointer and by arrow keys; `at` is
 * that step, and `range` the steps that are drawn: charts beside each other share both. */
export function LineChart({
  chart,
  range,
  at,
  onAt
}: {
  chart: Chart;
  range: Range;
  at: number | null;
  onAt: (step: number | null) => void;
}): JSX.Element {
  const trans = useTrans();
  const id = useId();
  const scale = scaleOf(chart, range);
  const steps = stepsOf(chart);
  const name = quantityName(chart.quantity, trans);
  const place = at === null ? steps.length - 1 : placeOf(steps, at);
  const step = steps[place] ?? 0;
  const told = chart.lines
    .filter(line => line.of !== 'estimate')
    .map(line => ({
      of: line.of,
      value: formatMeasured(chart.quantity, nearest(line.points, step)?.value ?? 0)
    }));

  const move = (event: KeyboardEvent): void => {
    const to = keyTarget(event.key, place, steps.length);
    if (to !== null) {
      event.preventDefault();
      onAt(event.key === 'End' ? null : (steps[to] ?? null)); // the end goes on moving
    }
  };
  const point = (event: PointerEvent): void => {
    const box = event.currentTarget.getBoundingClientRect();
    const share = (event.clientX - box.left) / Math.max(1, box.width);
    const wanted = scale.from + share * (scale.to - scale.from);
    onAt(steps[placeOf(steps, wanted)] ?? null);
  };

  return (
    <figure className="jp-ModelDeploy-chart">
      <figcaption>
        <span id={`${id}-name`}>{name}</span>
        <span className="jp-ModelDeploy-chartValues">
          {told.map(({ of, value }) => (
            <span key={of} data-line={of} title={lineName(of, trans)}>
              {value}
            </span>
          ))}
        </span>
      </figcaption>
      <div
        className="jp-ModelDeploy-plot"
        role="slider"
        tabIndex={0}
        aria-labelledby={`${id}-name`}
        aria-valuemin={steps[0] ?? 0}
        aria-valuemax={steps.at(-1) ?? 0}
        aria-valuenow={step}
        aria-valuetext={[
          trans.__('step %1', step.toLocaleString()),
          ...told.map(({ of, value }) => `${lineName(of, trans)} ${value}`)
        ].join(', ')}
        onKeyDown={move}
        onPointerMove={point}
        onPointerLeave={() => {
          onAt(null);
        }}
        onBlur={() => {
          onAt(null);
        }}
      >
        <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
          {at !== null && (
            <path className="jp-ModelDeploy-cursor" d={`M${scale.x(step)} 0V${HEIGHT}`} />
          )}
          {chart.lines.map(line => (
            <path key={line.of} data-line={line.of} d={pathOf(line, scale)} />
          ))}
          {at !== null &&
            chart.lines.map(line => {
              const shown = nearest(line.points, step);
              return (
                shown && (
                  <path
                    key={line.of}
                    className="jp-ModelDeploy-dot"
                    data-line={line.of}
                    d={dot(scale.x(shown.step), scale.y(shown.value))}
                  />
                )
              );
            })}
        </svg>
        <span className="jp-ModelDeploy-high">{formatMeasured(chart.quantity, scale.high)}</span>
        <span className="jp-ModelDeploy-low">{formatMeasured(chart.quantity, scale.low)}</span>
        {at !== null && (
          <span className="jp-ModelDeploy-step">{trans.__('step %1', step.toLocaleString())}</span>
        )}
      </div>
    </figure>
  );
}

/** What a line is of, in words. */
export function lineName(of: LineOf, trans: Translation): string {
  switch (of) {
    case 'training':
      return trans.__('training');
    case 'validation':
      return trans.__('validation');
    case 'held-out':
      return trans.__('held out');
    case 'machine':
      return trans.__('measured');
    case 'estimate':
      return trans.__('estimated');
  }
}

/** The first step and the last. */
export interface Range {
  from: number;
  to: number;
}

interface Scale extends Range {
  low: number;
  high: number;
  x: (step: number) => number;
  y: (value: number) => number;
}

function scaleOf({ lines }: Chart, { from, to }: Range): Scale {
  const values = lines.flatMap(line => line.points.map(point => point.value));
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const room = HEIGHT * 0.08;
  return {
    from,
    to,
    low,
    high,
    x: step => (to > from ? (WIDTH * (step - from)) / (to - from) : WIDTH / 2),
    y: value =>
      high > low ? HEIGHT - room - ((HEIGHT - 2 * room) * (value - low)) / (high - low) : HEIGHT / 2
  };
}

function stepsOf({ lines }: Chart): number[] {
  const measured = lines.filter(line => line.of !== 'estimate');
  const steps = measured.flatMap(line => line.points.map(point => point.step));
  return [...new Set(steps)].sort((a, b) => a - b);
}

function placeOf(steps: readonly number[], wanted: number): number {
  return steps.reduce(
    (best, step, place) =>
      Math.abs(step - wanted) < Math.abs((steps[best] ?? Infinity) - wanted) ? place : best,
    0
  );
}

function pathOf({ of, points }: Line, { x, y }: Scale): string {
  if (of === 'estimate') {
    return points.map(point => `M0 ${round(y(point.value))}H${WIDTH}`).join('');
  }
  const line = points
    .map(({ step, value }, index) => `${index ? 'L' : 'M'}${round(x(step))} ${round(y(value))}`)
    .join('');
  return points.length > FEW
    ? line
    : line + points.map(point => dot(x(point.step), y(point.value))).join('');
}

/** A line of no length, whose round ends are a dot however the drawing is stretched. */
function dot(x: number, y: number): string {
  return `M${round(x)} ${round(y)}h0.01`;
}

function round(value: number): number {
  return Math.round(100 * value) / 100;
}
