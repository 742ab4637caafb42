import type { Operator, Span } from '../core/types';

/** What operators are put together by. */
export type Grouping = 'type' | 'layer' | 'operator';

/** The row of what a run takes beside its operators. */
export const DISPATCH = 'dispatch';

/** A line of the table: one operator, or several of them together. */
export interface OperatorGroup {
  name: string;
  detail: string;
  share: number;
  timeMs: number;
  calls: number;
  /** Billions of operations and bytes a second, of those members where they are known. */
  gflops: number | null;
  gbPerS: number | null;
  /** How much of the machine's nearer limit is reached, weighted by time. */
  ofLimit: number | null;
  memoryBytes: number | null;
}

/** The layer as far as its first number: `encoder.layer.3`. */
export function blockOf(layer: string): string {
  const parts = layer.split('.');
  const place = parts.findIndex(part => /^\d+$/.test(part));
  return parts.slice(0, place < 0 ? 2 : place + 1).join('.');
}

/** The operators put together, the costliest first. */
export function groupOperators(
  operators: readonly Operator[],
  by: Grouping,
  nameless: string
): OperatorGroup[] {
  const groups = new Map<string, Operator[]>();
  operators.forEach((operator, index) => {
    const key = by === 'operator' ? `${index}` : keyOf(operator, by, nameless);
    groups.set(key, [...(groups.get(key) ?? []), operator]);
  });
  return [...groups]
    .map(([key, members]) => together(by === 'operator' ? '' : key, members))
    .sort((one, other) => other.timeMs - one.timeMs);
}

/** A bar of the chart: a call, or the calls after each other of one block. */
export interface Bar {
  name: string;
  type: string;
  layer: string;
  startMs: number;
  durationMs: number;
  row: number;
}

/** The calls of a run below the blocks that they belong to. */
export function barsOf(timeline: readonly Span[]): Bar[] {
  const blocks: Bar[] = [];
  for (const span of timeline.filter(({ depth }) => depth === 0)) {
    const block = blockOf(span.layer);
    const last = blocks.at(-1);
    if (last && last.name === block) {
      last.durationMs = span.start_ms + span.duration_ms - last.startMs;
    } else {
      const { start_ms: startMs, duration_ms: durationMs } = span;
      blocks.push({ name: block, type: '', layer: block, startMs, durationMs, row: 0 });
    }
  }
  const named = blocks.filter(({ name }) => name);
  const below = named.length > 0 ? 1 : 0;
  const calls = timeline.map(span => ({
    name: span.name,
    type: span.type,
    layer: span.layer,
    startMs: span.start_ms,
    durationMs: span.duration_ms,
    row: span.depth + below
  }));
  return [...named, ...calls];
}

function keyOf({ type, layer }: Operator, by: Grouping, nameless: string): string {
  return by === 'type' || type === DISPATCH ? type : blockOf(layer) || nameless;
}

function together(name: string, members: readonly Operator[]): OperatorGroup {
  const [first] = members;
  const sum = (of: (one: Operator) => number): number =>
    members.reduce((total, one) => total + of(one), 0);
  const limited = members.filter(one => one.of_limit !== null);
  const limitedMs = limited.reduce((total, one) => total + one.time_ms, 0);
  return {
    name: name || first?.name || '',
    detail: name ? '' : [first?.type, first?.layer, first?.shapes].filter(Boolean).join(' · '),
    share: sum(one => one.share),
    timeMs: sum(one => one.time_ms),
    calls: sum(one => one.calls),
    gflops: rate(members.map(one => [one.operations, one.time_ms])),
    gbPerS: rate(members.map(one => [one.bytes, one.time_ms])),
    ofLimit:
      limitedMs > 0
        ? limited.reduce((total, one) => total + (one.of_limit ?? 0) * one.time_ms, 0) / limitedMs
        : null,
    memoryBytes: members.some(one => one.memory_bytes !== null)
      ? sum(one => one.memory_bytes ?? 0)
      : null
  };
}

function rate(pairs: [number | null, number][]): number | null {
  const known = pairs.filter(([amount]) => amount !== null);
  const timeMs = known.reduce((total, [, ms]) => total + ms, 0);
  return timeMs > 0
    ? known.reduce((total, [amount]) => total + (amount ?? 0), 0) / timeMs / 1e6
    : null;
}
