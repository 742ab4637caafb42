import type { Item, Level } from './level';
import type { Picture } from './picture';

const KEYS = new Set(['ArrowDown', 'ArrowUp', 'ArrowLeft', 'ArrowRight', 'Home', 'End']);
const ORIGIN = { x: 0, y: 0 };

/** Makes one node of a picture a Tab stop at a time; from it the arrow keys lead on: down and up along what flows, left and
 * right to what lies beside it, also on other branches. Enter chooses. (ARIA Authoring Practices, "Roving tabindex".) */
export class Roving {
  constructor(
    private readonly _level: Level,
    private readonly _picture: Picture,
    private readonly _onChoose: (item: Item) => void
  ) {
    for (const { from, to } of _level.links) {
      append(this._targets, from, to);
      append(this._sources, to, from);
    }
    for (const item of _level.items) {
      const element = _picture.elementOf(item);
      element?.setAttribute('tabindex', '-1');
      element?.addEventListener('focus', () => {
        this.stopAt(item);
      });
      element?.addEventListener('keydown', event => {
        this._onKey(event, item);
      });
    }
    this._current = _level.items.find(item => !item.outside) ?? _level.items[0];
    this.stopAt(this._current);
  }

  /** Tab leads to this node from now on. */
  stopAt(item: Item | undefined): void {
    if (item) {
      this._elementOf(this._current)?.setAttribute('tabindex', '-1');
      this._current = item;
      this._elementOf(item)?.setAttribute('tabindex', '0');
    }
  }

  focus(): void {
    this._elementOf(this._current)?.focus();
  }

  private _onKey(event: KeyboardEvent, item: Item): void {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) {
      return;
    }
    if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      this._onChoose(item);
    } else if (KEYS.has(event.key)) {
      event.preventDefault(); // the canvas would be scrolled
      this.stopAt(this._leadsTo(event.key, item));
      this.focus();
    }
  }

  private _leadsTo(key: string, item: Item): Item | undefined {
    const { items } = this._level;
    const sources = this._sources.get(item) ?? [];
    const targets = this._targets.get(item) ?? [];
    switch (key) {
      case 'ArrowDown':
        return this._nearest(item, targets);
      case 'ArrowUp':
        return this._nearest(item, sources);
      case 'ArrowLeft':
      case 'ArrowRight': {
        const branches = [
          ...sources.flatMap(source => this._targets.get(source) ?? []),
          ...targets.flatMap(target => this._sources.get(target) ?? [])
        ];
        const row = items.filter(other => this._between(item, other).y === 0);
        return this._nearest(item, [...branches, ...row], key === 'ArrowLeft' ? -1 : 1);
      }
      case 'Home':
        return items[0];
      default:
        return items.at(-1);
    }
  }

  /** Of these the one that lies least far to the side, of several the one that is least far up or down; where `side` is
   * given (-1 left, 1 right), of those on that side alone. */
  private _nearest(item: Item, others: readonly Item[], side = 0): Item | undefined {
    const away = others
      .filter(other => other !== item)
      .map(other => ({ other, ...this._between(item, other) }))
      .filter(({ x }) => side === 0 || Math.sign(x) === side)
      .sort((a, b) => Math.abs(a.x) - Math.abs(b.x) || Math.abs(a.y) - Math.abs(b.y));
    return away[0]?.other;
  }

  /** How far right and how far down of a node another lies. */
  private _between(item: Item, other: Item): { x: number; y: number } {
    const from = this._picture.centerOf(item) ?? ORIGIN;
    const to = this._picture.centerOf(other) ?? ORIGIN;
    return { x: to.x - from.x, y: to.y - from.y };
  }

  private _elementOf(item: Item | undefined): SVGGElement | undefined {
    return item && this._picture.elementOf(item);
  }

  private readonly _sources = new Map<Item, Item[]>();
  private readonly _targets = new Map<Item, Item[]>();
  private _current: Item | undefined;
}

function append(lists: Map<Item, Item[]>, key: Item, item: Item): void {
  lists.set(key, [...(lists.get(key) ?? []), item]);
}
