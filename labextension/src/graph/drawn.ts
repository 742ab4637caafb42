import type { Operator, Texts } from '../core/types';

/** What the page is given: a model's graph with what was measured of its nodes. */
export interface Drawn {
  readonly version: string;
  readonly texts: Texts;
  readonly nodes: readonly DrawnNode[];
  /** From, to, and what flows. */
  readonly edges: readonly (readonly [number, number, string])[];
  readonly group: Group;
  /** What takes time and is no node of the graph. */
  readonly beside: readonly Measured[];
}

export interface DrawnNode {
  readonly kind?: 'input' | 'output';
  readonly name: string;
  readonly type?: string;
  readonly layer?: string;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly operator: Measured | null;
}

export type Measured = Pick<Operator, 'name' | 'type' | 'time_ms' | 'share' | 'calls'> &
  Partial<Operator>;

/** One picture: places of nodes, and groups that are one node of it each. */
export interface Group {
  readonly name: string;
  readonly nodes: readonly number[];
  readonly groups: readonly Group[];
}

/** The places of all nodes in a group and in those within it. */
export function membersOf(group: Group): number[] {
  return [...group.nodes, ...group.groups.flatMap(membersOf)];
}

/** The groups from the outermost to the one whose picture has the node itself. */
export function wayTo(group: Group, place: number): Group[] | null {
  if (group.nodes.includes(place)) {
    return [group];
  }
  for (const inner of group.groups) {
    const way = wayTo(inner, place);
    if (way) {
      return [group, ...way];
    }
  }
  return null;
}
