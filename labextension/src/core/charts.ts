import type { Point, SeriesByName } from './series';

const VALIDATION = 'validation_';
const ESTIMATE = 'estimated_';
const TRAINING = new Set(['loss', 'learning_rate', 'grad_norm']);
/** What is asked for first comes first; what is not named here comes between, after the loss. */
const FIRST = ['loss'];
const LAST = [
  'learning_rate',
  'samples_per_second',
  'memory_bytes',
  'device_utilization',
  'grad_norm'
];

/** What a line is of: the rows that are learnt from, those that the training is evaluated on as it goes, those that are
 * held out from it, the machine, or what was expected before the start. */
export type LineOf = 'training' | 'validation' | 'held-out' | 'machine' | 'estimate';

export interface Line {
  readonly of: LineOf;
  readonly points: readonly Point[];
}

/** Lines that are drawn over each other, since they are of one quantity. */
export interface Chart {
  readonly quantity: string;
  readonly lines: readonly Line[];
}

/** The series of a job as charts, in the order in which they are looked at. */
export function chartsOf(series: SeriesByName): Chart[] {
  const quantities = new Set([...series.keys()].map(quantityOf));
  return [...quantities].sort(byPlace).map(quantity => ({
    quantity,
    lines: [...series].flatMap(([name, points]) =>
      quantityOf(name) === quantity ? [{ of: lineOf(name), points }] : []
    )
  }));
}

function quantityOf(name: string): string {
  return name.startsWith(VALIDATION)
    ? name.slice(VALIDATION.length)
    : name.startsWith(ESTIMATE)
      ? name.slice(ESTIMATE.length)
      : name;
}

function lineOf(name: string): LineOf {
  if (name.startsWith(VALIDATION)) {
    return 'validation';
  }
  if (name.startsWith(ESTIMATE)) {
    return 'estimate';
  }
  return TRAINING.has(name) ? 'training' : LAST.includes(name) ? 'machine' : 'held-out';
}

function byPlace(a: string, b: string): number {
  return placeOf(a) - placeOf(b) || a.localeCompare(b);
}

function placeOf(quantity: string): number {
  return FIRST.includes(quantity) ? 0 : 1 + Math.max(0, 1 + LAST.indexOf(quantity));
}
