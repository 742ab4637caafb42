import type { Model, Version } from './types';

const TRAINING = ['fine-tuned', 'distilled', 'pruned'];

/** Whether a training made the version, so that there is a program that does it again. */
export function isTrained({ lineage }: Version): boolean {
  return TRAINING.includes(lineage.step) && Boolean(lineage.dataset);
}

/** A version in the graph of what was made of what: `column` counts the steps from the first, `row` keeps branches apart.
 * `version` is null where only its descendants are left. */
export interface Relative {
  readonly ref: string;
  readonly version: Version | null;
  readonly parent: string | null;
  readonly column: number;
  readonly row: number;
}

/** Every version that one of the model's was made of, or that was made of one of them, in the order of a walk from the
 * oldest ancestors on; a branch's first version stands beside what it was made of. */
export function familyOf(models: readonly Model[], name: string): Relative[] {
  const versions = new Map(models.flatMap(model => model.versions).map(one => [one.ref, one]));
  const parentOf = (ref: string): string | null => versions.get(ref)?.lineage.parent ?? null;
  const own = [...versions.values()].filter(({ model }) => model === name);
  const roots = new Set(own.map(({ ref }) => firstAncestor(ref, parentOf)));
  const children = new Map<string, string[]>();
  for (const ref of versions.keys()) {
    const parent = parentOf(ref);
    if (parent !== null) {
      children.set(parent, [...(children.get(parent) ?? []), ref]);
    }
  }
  const placed: Relative[] = [];
  let row = 0;
  const place = (ref: string, column: number): void => {
    placed.push({ ref, version: versions.get(ref) ?? null, parent: parentOf(ref), column, row });
    children.get(ref)?.forEach((child, index) => {
      row += index > 0 ? 1 : 0;
      place(child, column + 1);
    });
  };
  for (const root of roots) {
    place(root, 0);
    row += 1;
  }
  return placed;
}

function firstAncestor(ref: string, parentOf: (ref: string) => string | null): string {
  const seen = new Set([ref]);
  let first = ref;
  for (let parent = parentOf(ref); parent !== null && !seen.has(parent); parent = parentOf(first)) {
    seen.add(parent);
    first = parent;
  }
  return first;
}
