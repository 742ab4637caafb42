import type { MetricComparison } from '../../core/types';

export const WIDTH = 100;
export const HEIGHT = 40;
/** The first looks know next to nothing: what is wider than so many times the last interval is cut off. */
const MOST_WIDTHS = 3;
const MARGIN = 0.06;

type Look = MetricComparison['looks'][number];

/** Where the looks of a metric lie in the picture of its sequence, from the top. */
export interface Sequence {
  readonly looks: readonly Look[];
  readonly low: number;
  readonly high: number;
  readonly x: (index: number) => number;
  readonly y: (value: number) => number;
}

/** The looks over the time, and heights that hold zero, the minimum effect and what is known by now. */
export function sequenceOf({ looks, minimum_effect: effect }: MetricComparison): Sequence | null {
  const last = looks.at(-1)?.difference;
  if (!last) {
    return null;
  }
  const width = Math.max(last.high - last.low, Math.abs(last.value), effect ?? 0) || 1;
  const [floor, ceiling] = [
    last.value - MOST_WIDTHS * width,
    last.value + MOST_WIDTHS * width
  ] as const;
  const ends = looks.flatMap(({ difference }) => [difference.low, difference.high]);
  const must = [0, last.low, last.high, ...(effect === null ? [] : [effect, -effect])];
  const low = Math.min(...must, Math.max(floor, Math.min(...ends)));
  const high = Math.max(...must, Math.min(ceiling, Math.max(...ends)));
  const room = MARGIN * HEIGHT;
  const times = looks.map(({ at }) => Date.parse(at));
  const [from = 0, to = 0] = [times[0], times.at(-1)];
  return {
    looks,
    low,
    high,
    x: index => (to > from ? (WIDTH * ((times[index] ?? from) - from)) / (to - from) : WIDTH / 2),
    y: value => {
      const share = high > low ? (value - low) / (high - low) : 0.5;
      return HEIGHT - room - (HEIGHT - 2 * room) * Math.min(1.03, Math.max(-0.03, share));
    }
  };
}

/** The area between the ends of the intervals. */
export function bandOf({ looks, x, y }: Sequence): string {
  const upper = looks.map(({ difference }, index) => point(x(index), y(difference.high)));
  const lower = looks.map(({ difference }, index) => point(x(index), y(difference.low)));
  return `M${[...upper, ...lower.reverse()].join('L')}Z`;
}

/** The line of the differences; of one look a dot. */
export function lineOf({ looks, x, y }: Sequence): string {
  const points = looks.map(({ difference }, index) => point(x(index), y(difference.value)));
  return `M${points.join('L')}${points.length === 1 ? 'h0.01' : ''}`;
}

export function point(x: number, y: number): string {
  return `${x.toFixed(2)} ${y.toFixed(2)}`;
}
