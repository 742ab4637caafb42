import type { Translation } from '../core/translation';
import { formatBytes, formatFigure, formatShare } from '../views/format';
import type { Drawn } from './drawn';
import { button, element } from './elements';
import { nameOf } from './hottest';
import { timeOf } from './picture';

const MOST = 12;

/** All that is known of a node, and its neighbours. */
export function detailsOf(
  drawn: Drawn,
  place: number,
  trans: Translation,
  onChoose: (place: number) => void
): HTMLElement {
  const facts = factsOf(drawn, place, trans).filter(([, value]) => value);
  const neighbours = (told: string, places: number[]): HTMLElement[] =>
    places.length === 0
      ? []
      : [
          element('h3', {}, told),
          element(
            'ul',
            {},
            ...places.slice(0, MOST).map(other =>
              element(
                'li',
                {},
                button(nameOf(drawn.nodes[other]), () => {
                  onChoose(other);
                })
              )
            )
          )
        ];
  const sources = drawn.edges.filter(([, to]) => to === place).map(([from]) => from);
  const targets = drawn.edges.filter(([from]) => from === place).map(([, to]) => to);
  return element(
    'section',
    { 'aria-label': trans.__('The chosen node') },
    element('h2', { tabindex: '-1' }, nameOf(drawn.nodes[place])),
    element(
      'dl',
      {},
      ...facts.flatMap(([name, value]) => [element('dt', {}, name), element('dd', {}, value)])
    ),
    ...neighbours(trans.__('Takes from'), sources),
    ...neighbours(trans.__('Gives to'), targets)
  );
}

function factsOf(drawn: Drawn, place: number, trans: Translation): [string, string][] {
  const node = drawn.nodes[place];
  const operator = node?.operator;
  const flows = drawn.edges.find(([from]) => from === place)?.[2] ?? '';
  const facts: [string, string][] = [
    [trans.__('Type'), node?.type ?? ''],
    [trans.__('Layer'), node?.layer ?? '']
  ];
  if (operator) {
    const { time_ms: timeMs, share, calls, gflops, gb_per_s: speed, of_limit: reached } = operator;
    facts.push(
      [trans.__('Time'), timeOf({ timeMs, share }, trans)],
      [trans.__('Calls'), formatFigure(calls)],
      [trans.__('Shapes'), operator.shapes ?? ''],
      [trans.__('GFLOP/s'), gflops ? gflops.toFixed(1) : ''],
      [trans.__('GB/s'), speed ? speed.toFixed(1) : ''],
      [trans.__('Of the limit'), reached ? formatShare(reached, 0) : ''],
      [trans.__('Memory'), operator.memory_bytes ? formatBytes(operator.memory_bytes) : '']
    );
  } else if (node && !node.kind) {
    facts.push([trans.__('Time'), trans.__('not measured')]);
  }
  facts.push([trans.__('Gives'), flows]);
  return [...facts, ...Object.entries(node?.attributes ?? {})];
}
