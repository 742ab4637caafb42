import { translationOf } from '../core/texts';
import type { Drawn } from './drawn';
import { GraphPage } from './page';

const data = document.getElementById('data')?.textContent ?? '';
const drawn = JSON.parse(data) as Drawn;
const holder = document.getElementById('page');
if (holder) {
  const page = new GraphPage(
    drawn,
    translationOf(() => drawn.texts),
    holder
  );
  void page.show([drawn.group]);
}
