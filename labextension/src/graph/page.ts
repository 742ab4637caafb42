import type { Translation } from '../core/translation';
import { detailsOf } from './details';
import { wayTo, type Drawn, type Group } from './drawn';
import { button, element } from './elements';
import { hottest } from './hottest';
import { hottestOf, levelOf, type Item, type Level } from './level';
import { draw, type Picture } from './picture';
import { Roving } from './roving';
import { Viewport } from './viewport';

/** The picture with its way and its buttons, and beside it the list and what is known of the chosen node. */
export class GraphPage {
  constructor(
    private readonly _drawn: Drawn,
    private readonly _trans: Translation,
    holder: HTMLElement
  ) {
    const trans = _trans;
    this._canvas = element('div', {
      class: 'canvas',
      role: 'application',
      'aria-label': trans.__(
        'The graph. Arrow keys lead from node to node, Enter chooses, Escape leads out, plus and minus zoom, 0 shows all of it.'
      )
    });
    this._canvas.addEventListener('keydown', event => {
      const left = this._ways.at(-1);
      if (event.key === 'Escape' && this._ways.length > 1) {
        void this.show(this._ways.slice(0, -1), left);
      }
    });
    this._viewport = new Viewport(this._canvas);
    const zoom = (text: string, label: string, onClick: () => void): HTMLElement =>
      button(text, onClick, { 'aria-label': label, title: label });
    holder.append(
      element(
        'header',
        {},
        this._way,
        this._omitted,
        element(
          'p',
          { class: 'legend' },
          trans.__('Colour: the share of the hottest node that is shown'),
          element('span', { class: 'scale', 'aria-hidden': 'true' })
        ),
        element(
          'div',
          { class: 'zoom' },
          zoom('+', trans.__('Zoom in'), () => {
            this._viewport.zoomIn();
          }),
          zoom('−', trans.__('Zoom out'), () => {
            this._viewport.zoomOut();
          }),
          button(trans.__('All of it'), () => {
            this._viewport.fit();
          })
        )
      ),
      this._canvas,
      element('aside', {}, this._details, hottest(_drawn, trans, this._choosePlace))
    );
  }

  /** Draws the picture that a way of groups leads to; the keyboard goes on in it, at the group that was left. */
  async show(way: readonly Group[], left?: Group): Promise<void> {
    const { _drawn: drawn, _trans: trans } = this;
    const held = [this._canvas, this._way].some(part => part.contains(document.activeElement));
    this._ways = way;
    this._way.replaceChildren(
      ...way.map((group, depth) =>
        element(
          'li',
          {},
          button(
            group === drawn.group ? trans.__('Graph of %1', drawn.version) : group.name,
            () => {
              void this.show(way.slice(0, depth + 1));
            },
            depth === way.length - 1 ? { 'aria-current': 'true' } : {}
          )
        )
      )
    );
    this._canvas.replaceChildren(
      element('p', { role: 'status' }, trans.__('Laying out the graph…'))
    );
    await painted();
    this._level = levelOf(drawn, way);
    this._picture = await draw(this._canvas, this._level, drawn, trans, this._chooseItem);
    const begun = this._level.items.find(item => left && item.group === left);
    const seen = begun ?? hottestOf(this._level);
    this._viewport.show(this._picture, (seen && this._picture.centerOf(seen)) ?? { x: 0, y: 0 });
    this._roving = new Roving(this._level, this._picture, this._chooseItem);
    this._roving.stopAt(begun);
    if (held && document.activeElement === document.body) {
      this._roving.focus();
    }
    const { omitted } = this._picture;
    this._omitted.textContent = omitted
      ? trans.__(
          '%1 long connections are not drawn: the chosen node’s own stand beside it.',
          omitted
        )
      : '';
  }

  private _chooseItem = (item: Item): void => {
    const [place] = item.members;
    if (item.group && !item.outside) {
      void this.show([...this._ways, item.group]);
    } else if (place !== undefined) {
      this._choosePlace(place);
    }
  };

  /** Goes to the picture that has the node, if it is another, and shows it. */
  private _choosePlace = (place: number): void => {
    void this._goTo(place);
  };

  private async _goTo(place: number): Promise<void> {
    const way = wayTo(this._drawn.group, place) ?? [this._drawn.group];
    if (way.at(-1) !== this._ways.at(-1)) {
      await this.show(way);
    }
    const item = this._level?.itemOf.get(place);
    const center = item && this._picture?.centerOf(item);
    this._picture?.select(item ?? null);
    this._roving?.stopAt(item);
    if (center) {
      this._viewport.lookAt(center);
    }
    this._details.replaceChildren(detailsOf(this._drawn, place, this._trans, this._choosePlace));
    this._details.querySelector('h2')?.focus({ preventScroll: true });
    this._details.scrollIntoView({ block: 'nearest' });
  }

  private readonly _canvas: HTMLElement;
  private readonly _viewport: Viewport;
  private readonly _way = element('ol', { class: 'way' });
  private readonly _omitted = element('p', { role: 'status' });
  private readonly _details = element('div', { class: 'details' });
  private _ways: readonly Group[] = [];
  private _level: Level | null = null;
  private _picture: Picture | null = null;
  private _roving: Roving | null = null;
}

/** Resolves when what was put into the page can be seen. */
function painted(): Promise<void> {
  return new Promise(resolve => {
    requestAnimationFrame(() => {
      setTimeout(resolve);
    });
  });
}
