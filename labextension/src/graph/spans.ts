import type { Item, Level, Link } from './level';

/** Rows that all links together may cross. A link has a place of its own in each row: with 9,000 of them dagre took 3 s,
 * with 36,000 14 s (two busy cores), while the page stood still. */
const MOST = 4000;

/** The links of a level that can be laid out while one waits: all, or without those that cross the most rows. */
export function drawable({ items, links }: Level): readonly Link[] {
  const rows = rowsOf(items, links);
  const spanOf = ({ from, to }: Link): number =>
    Math.abs((rows.get(to) ?? 0) - (rows.get(from) ?? 0));
  let left = MOST;
  return [...links]
    .sort((one, other) => spanOf(one) - spanOf(other))
    .filter(link => {
      left -= spanOf(link);
      return left >= 0 || spanOf(link) <= 1;
    });
}

/** How far each item lies below those that nothing flows into, along the longest way; items come in their order. */
function rowsOf(items: readonly Item[], links: readonly Link[]): Map<Item, number> {
  const order = new Map(items.map((item, place) => [item, place]));
  const placeOf = (item: Item): number => order.get(item) ?? 0;
  const rows = new Map(items.map(item => [item, 0]));
  const ahead = links
    .filter(({ from, to }) => placeOf(from) < placeOf(to))
    .sort((one, other) => placeOf(one.from) - placeOf(other.from));
  for (const { from, to } of ahead) {
    rows.set(to, Math.max(rows.get(to) ?? 0, (rows.get(from) ?? 0) + 1));
  }
  return rows;
}
