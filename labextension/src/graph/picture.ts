import type { Translation } from '../core/translation';
import { formatFigure, formatShare } from '../views/format';
import type { Drawn } from './drawn';
import { hottestOf, type Item, type Level } from './level';
import { drawable } from './spans';

const MARGIN = 12;
/** Shares of the hottest node's time, from which on a node has the next colour. */
const WARMTH = [0, 0.05, 0.15, 0.35, 0.65];
/** With more nodes, what flows is told of the chosen one alone: labels make a layout many times as slow. */
const MOST_LABELLED = 120;
const LONGEST = 40;
const SVG = 'http://www.w3.org/2000/svg';

/** In the picture's own units, from its top left. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A level as Netron draws it: `svg`, and where each of its nodes is. */
export interface Picture {
  readonly svg: SVGSVGElement;
  readonly width: number;
  readonly height: number;
  /** How many links are left out, since to lay them out would take too long. */
  readonly omitted: number;
  readonly elementOf: (item: Item) => SVGGElement | undefined;
  readonly centerOf: (item: Item) => Point | null;
  readonly select: (item: Item | null) => void;
}

/** Draws into `holder`, since text has a size only within the page. */
export async function draw(
  holder: Element,
  level: Level,
  drawn: Drawn,
  trans: Translation,
  onChoose: (item: Item) => void
): Promise<Picture> {
  const svg = document.createElementNS(SVG, 'svg');
  const origin = document.createElementNS(SVG, 'g');
  svg.append(origin);
  holder.replaceChildren(svg);
  const graph = new grapher.Graph(false);
  graph.options = { direction: 'vertical' };
  const nodes = new Map<Item, NetronNode>();
  const hottest = hottestOf(level)?.share ?? 0;
  for (const item of level.items) {
    const node = nodeOf(item, hottest, drawn, trans, onChoose);
    node.name = `${nodes.size}`;
    nodes.set(item, node);
    graph.setNode(node);
  }
  const links = drawable(level);
  for (const { from, to, flows } of links) {
    const [source, target] = [nodes.get(from), nodes.get(to)];
    if (source && target) {
      const edge = new grapher.Edge(source, target);
      edge.v = source.name;
      edge.w = target.name;
      edge.label = level.items.length <= MOST_LABELLED ? shortened(flows) : undefined;
      graph.setEdge(edge);
    }
  }
  graph.build(document, origin);
  origin.querySelector('.edge-labels')?.setAttribute('aria-hidden', 'true'); // beside a chosen node in words
  for (const [item, node] of nodes) {
    node.element?.setAttribute('role', 'button');
    node.element?.setAttribute('aria-label', labelOf(item, drawn, trans));
  }
  await graph.measure();
  await graph.layout({
    request: message => {
      dagre.layout(message.nodes, message.edges, message.layout, message.state);
      return Promise.resolve(message);
    }
  });
  graph.update();
  const left = (graph.originX ?? 0) - MARGIN;
  const top = (graph.originY ?? 0) - MARGIN;
  const width = (graph.width ?? 0) + 2 * MARGIN;
  const height = (graph.height ?? 0) + 2 * MARGIN;
  svg.setAttribute('viewBox', `${left} ${top} ${width} ${height}`);
  let selected: NetronNode | undefined;
  return {
    svg,
    width,
    height,
    omitted: level.links.length - links.length,
    elementOf: item => nodes.get(item)?.element,
    centerOf: item => {
      const node = nodes.get(item);
      return node ? { x: node.x - left, y: node.y - top } : null;
    },
    select: item => {
      selected?.deselect();
      selected?.element?.removeAttribute('aria-current');
      selected = item ? nodes.get(item) : undefined;
      selected?.select();
      selected?.element?.setAttribute('aria-current', 'true');
    }
  };
}

function nodeOf(
  item: Item,
  hottest: number,
  drawn: Drawn,
  trans: Translation,
  onChoose: (item: Item) => void
): NetronNode {
  const node = new grapher.Node();
  const { title, detail, kind } = toldOf(item, drawn, trans);
  const choose = (): void => {
    onChoose(item);
  };
  const entry = node.header().add(null, [kind, `heat-${item.outside ? 0 : warmth(item, hottest)}`]);
  entry.content = shortened(title);
  entry.tooltip = title;
  entry.on('click', choose);
  const lines = [detail, item.timeMs > 0 && !item.outside ? timeOf(item, trans) : ''].filter(
    Boolean
  );
  if (lines.length > 0) {
    const list = node.list();
    list.on('click', choose);
    for (const line of lines) {
      list.add(list.argument(shortened(line), ''));
    }
  }
  return node;
}

/** What the node says, and its own name, which the picture has no room for. */
function labelOf(item: Item, drawn: Drawn, trans: Translation): string {
  const { title, detail } = toldOf(item, drawn, trans);
  const name = item.group ? '' : drawn.nodes[item.members[0] ?? -1]?.name;
  const time = item.timeMs > 0 && !item.outside ? timeOf(item, trans) : '';
  return [...new Set([title, detail, time, name])].filter(Boolean).join(', ');
}

function toldOf(
  item: Item,
  drawn: Drawn,
  trans: Translation
): { title: string; detail: string; kind: string } {
  const node = drawn.nodes[item.members[0] ?? -1];
  if (item.group || !node) {
    const count = trans._n('%1 node', '%1 nodes', item.members.length, item.members.length);
    return { title: item.group?.name ?? '', detail: item.outside ? '' : count, kind: 'group-item' };
  }
  return node.kind
    ? { title: node.name, detail: node.type ?? '', kind: `graph-item-${node.kind}` }
    : { title: node.type ?? node.name, detail: '', kind: 'node-item-type' };
}

/** `1.25 ms · 12.3 %` */
export function timeOf(
  { timeMs, share }: { timeMs: number; share: number },
  trans: Translation
): string {
  return `${trans.__('%1 ms', formatFigure(timeMs))} · ${formatShare(share)}`;
}

function warmth({ share }: Item, hottest: number): number {
  return share > 0 ? WARMTH.filter(limit => share >= limit * hottest).length : 0;
}

function shortened(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text;
}
