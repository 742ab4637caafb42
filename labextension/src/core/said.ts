import type { Translation } from './translation';

const PLACE = /%\d/;

/** A word or two of the server, as the name of an option, in the language of the interface as far as it is known; its
 * sentences come in that language already. messages.mjs says which there are. */
export function said(text: string, trans: Translation): string {
  if (text === '' || PLACE.test(text)) {
    return text; // what would be taken for a place of a value
  }
  // eslint-disable-next-line jupyter/no-dynamic-translation -- messages.mjs finds the texts where they come from
  return trans.gettext(text);
}
