import { membersOf, type Drawn, type Group } from './drawn';

/** One node of a picture: a node of the graph, a group of them, or what lies outside of the group that is shown. */
export interface Item {
  readonly group?: Group;
  /** The places that it stands for; of a node its own. */
  readonly members: readonly number[];
  readonly outside: boolean;
  readonly timeMs: number;
  readonly share: number;
}

export interface Link {
  readonly from: Item;
  readonly to: Item;
  readonly flows: string;
}

/** What one picture shows. */
export interface Level {
  readonly items: readonly Item[];
  readonly links: readonly Link[];
  /** Of each place that is in it. */
  readonly itemOf: ReadonlyMap<number, Item>;
}

/** The picture of the last group of a way; what flows into it and out of it has a node at its edge. */
export function levelOf(drawn: Drawn, way: readonly Group[]): Level {
  const group = way[way.length - 1] ?? drawn.group;
  const items = itemsOf(drawn, group, false);
  const inside = ownersOf(items);
  const around = way
    .slice(0, -1)
    .reverse()
    .map(outer => ownersOf(itemsOf(drawn, outer, true)));
  const sources = new Set<Item>();
  const targets = new Map<Item, Item>();
  const links = new Map<string, Link>();
  const numbers = new Map<Item, number>();
  const numberOf = (item: Item): number => {
    const known = numbers.get(item) ?? numbers.size;
    numbers.set(item, known);
    return known;
  };
  for (const [from, to, flows] of drawn.edges) {
    const start = inside.get(from);
    const end = inside.get(to);
    if (start === end || (!start && !end)) {
      continue;
    }
    const source = start ?? outsideOf(around, from);
    const outside = end ? undefined : outsideOf(around, to);
    // What comes from a group and what goes to it are two nodes, or all would go round in circles.
    const target = end ?? (outside && kept(targets, outside, () => ({ ...outside })));
    if (source && target) {
      if (!start) {
        sources.add(source);
      }
      const key = `${numberOf(source)} ${numberOf(target)}`;
      links.set(key, links.get(key) ?? { from: source, to: target, flows });
    }
  }
  return {
    items: [...sources, ...items, ...targets.values()],
    links: [...links.values()],
    itemOf: inside
  };
}

/** What takes most of the time, of what is in the picture and not around it. */
export function hottestOf({ items }: Level): Item | undefined {
  return items
    .filter(item => !item.outside)
    .reduce<Item | undefined>(
      (most, item) => (most && most.share >= item.share ? most : item),
      undefined
    );
}

function itemsOf(drawn: Drawn, group: Group, outside: boolean): Item[] {
  const item = (members: readonly number[], inner?: Group): Item => {
    const operators = members.flatMap(place => drawn.nodes[place]?.operator ?? []);
    return {
      group: inner,
      members,
      outside,
      timeMs: operators.reduce((sum, one) => sum + one.time_ms, 0),
      share: operators.reduce((sum, one) => sum + one.share, 0)
    };
  };
  return [
    ...group.nodes.map(place => item([place])),
    ...group.groups.map(inner => item(membersOf(inner), inner))
  ].sort((one, other) => (one.members[0] ?? 0) - (other.members[0] ?? 0));
}

function ownersOf(items: readonly Item[]): Map<number, Item> {
  return new Map(items.flatMap(item => item.members.map(place => [place, item] as const)));
}

/** The node that a place is within, in the nearest of the pictures around. */
function outsideOf(around: readonly Map<number, Item>[], place: number): Item | undefined {
  for (const owners of around) {
    const found = owners.get(place);
    if (found) {
      return found;
    }
  }
  return undefined;
}

function kept<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const value = map.get(key) ?? make();
  map.set(key, value);
  return value;
}
