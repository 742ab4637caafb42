import { ApiError } from '../core/errors';
import type { Host } from '../core/host';
import type { Translation } from '../core/translation';

/** The words as they are written, with their values in place. */
const trans: Translation = {
  __: fill,
  gettext: fill,
  _n: (singular, plural, count, ...values) =>
    fill(count === 1 ? singular : plural, count, ...values)
};

/** What a panel has where no extension of ours is around it: English, and the clipboard for code. */
export const standalone: Host = {
  trans,
  language: 'en',
  insertCode: async code => {
    await navigator.clipboard.writeText(code);
    throw new ApiError(
      409,
      'conflict',
      trans.__('No notebook can be written to from here.'),
      trans.__('The code is on the clipboard.')
    );
  }
};

function fill(message: string, ...values: (string | number)[]): string {
  return message.replace(/%(\d+)/g, (mark, place: string) =>
    String(values[Number(place) - 1] ?? mark)
  );
}
