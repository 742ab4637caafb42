import type { Translation } from '../core/translation';
import type { Drawn, DrawnNode } from './drawn';
import { button, element } from './elements';
import { timeOf } from './picture';

const MOST = 50;

/** The nodes by their time, the hottest first, as far as they hold what is searched for; each leads to its place. */
export function hottest(
  drawn: Drawn,
  trans: Translation,
  onChoose: (place: number) => void
): HTMLElement {
  const id = 'search';
  const search = element('input', {
    type: 'search',
    id,
    placeholder: trans.__('Name, type or layer')
  });
  const list = element('ol', { 'aria-label': trans.__('Nodes, the hottest first') });
  const told = element('p', { role: 'status' });
  const places = drawn.nodes
    .map((_, place) => place)
    .sort((one, other) => timeAt(drawn, other) - timeAt(drawn, one) || one - other);
  const show = (): void => {
    const wanted = search.value.trim().toLowerCase();
    const found = places.filter(place => holds(drawn.nodes[place], wanted));
    told.textContent =
      found.length > MOST
        ? trans.__('The first %1 of %2 nodes', MOST, found.length)
        : trans._n('%1 node', '%1 nodes', found.length, found.length);
    list.replaceChildren(
      ...found
        .slice(0, MOST)
        .map(place => element('li', {}, entryOf(drawn, place, trans, onChoose)))
    );
  };
  search.addEventListener('input', show);
  show();
  return element(
    'section',
    {},
    element('label', { for: id }, trans.__('Find a node')),
    search,
    told,
    list,
    ...besideOf(drawn, trans)
  );
}

/** The name that a node goes by, short of its path. */
export function nameOf(node: DrawnNode | undefined): string {
  return node?.name || node?.type || '';
}

function entryOf(
  drawn: Drawn,
  place: number,
  trans: Translation,
  onChoose: (place: number) => void
): HTMLElement {
  const node = drawn.nodes[place];
  const choose = (): void => {
    onChoose(place);
  };
  const operator = node?.operator;
  const time = operator
    ? timeOf({ timeMs: operator.time_ms, share: operator.share }, trans)
    : node?.kind
      ? (node.type ?? '')
      : trans.__('not measured');
  return button(
    '',
    choose,
    { title: nameOf(node) },
    element('strong', {}, node?.kind ? nameOf(node) : (node?.type ?? '')),
    element('span', {}, time),
    element('small', {}, node?.layer || nameOf(node))
  );
}

/** What takes time and is nowhere in the picture. */
function besideOf(drawn: Drawn, trans: Translation): HTMLElement[] {
  if (drawn.beside.length === 0) {
    return [];
  }
  const sum = {
    timeMs: drawn.beside.reduce((total, one) => total + one.time_ms, 0),
    share: drawn.beside.reduce((total, one) => total + one.share, 0)
  };
  return [element('p', {}, trans.__('Beside the nodes, in the runtime: %1', timeOf(sum, trans)))];
}

function timeAt(drawn: Drawn, place: number): number {
  return drawn.nodes[place]?.operator?.time_ms ?? -1;
}

function holds(node: DrawnNode | undefined, wanted: string): boolean {
  return [node?.name, node?.type, node?.layer].some(text => text?.toLowerCase().includes(wanted));
}
