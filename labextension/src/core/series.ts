import type { MetricPoint } from './types';

/** Points that are kept of one series; a longer one is thinned, so that a training of days takes no more memory. */
export const MOST_POINTS = 400;

export interface Point {
  readonly step: number;
  readonly value: number;
}

/** The series of a job by their names, each in the order of its steps. */
export type SeriesByName = ReadonlyMap<string, readonly Point[]>;

/** The series with what came since: a step that is there already is replaced, as a resumed job does it again. */
export function withPoints(known: SeriesByName, news: readonly MetricPoint[]): SeriesByName {
  const grown = new Map(known);
  for (const [name, points] of byName(news)) {
    const before = known.get(name) ?? [];
    grown.set(name, thinned(merged(before, points)));
  }
  return grown;
}

/** The point whose step is the nearest to `step`. */
export function nearest(points: readonly Point[], step: number): Point | undefined {
  let best = points[0];
  for (const point of points) {
    if (best && Math.abs(point.step - step) <= Math.abs(best.step - step)) {
      best = point;
    }
  }
  return best;
}

function byName(points: readonly MetricPoint[]): Map<string, Point[]> {
  const found = new Map<string, Point[]>();
  for (const { name, step, value } of points) {
    const same = found.get(name) ?? [];
    same.push({ step, value });
    found.set(name, same);
  }
  return found;
}

function merged(before: readonly Point[], news: readonly Point[]): Point[] {
  const first = news[0]?.step ?? Infinity;
  const last = before.at(-1)?.step ?? -Infinity;
  if (first > last) {
    return [...before, ...news];
  }
  const all = new Map([...before, ...news].map(point => [point.step, point]));
  return [...all.values()].sort((a, b) => a.step - b.step);
}

/** Every second point from the end, as often as it takes. */
function thinned(points: Point[]): Point[] {
  let kept = points;
  while (kept.length > MOST_POINTS) {
    const odd = (kept.length - 1) % 2;
    kept = kept.filter((_, index) => index % 2 === odd);
  }
  return kept;
}
