import type { Api } from '../core/api';
import { ApiError } from '../core/errors';
import type { Host } from '../core/host';
import type { Translation } from '../core/translation';
import type { Texts } from '../core/types';

type Values = readonly (string | number)[];

/** What a panel has where no extension of ours is around it, as in Voila: the browser's language and the clipboard. */
export interface Standalone extends Host {
  /** Learns the texts of the browser's language from the kernel; resolves to what is spoken from now on. */
  readonly learn: (api: Api) => Promise<string>;
}

export function standalone(): Standalone {
  const { language } = navigator;
  let texts: Texts = {};
  // Chinese has one form for any number, so a text's first is all that is asked for.
  const said = (key: string, english: string, values: Values): string =>
    fill(texts[key]?.[0] || english, values);
  const trans: Translation = {
    __: (message, ...values) => said(message, message, values),
    gettext: (message, ...values) => said(message, message, values),
    _n: (singular, plural, count, ...values) =>
      said(singular, count === 1 ? singular : plural, [count, ...values])
  };
  return {
    trans,
    language,
    learn: async api => {
      texts = await api.texts(language);
      return Object.keys(texts).length > 0 ? language : 'en';
    },
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
}

function fill(message: string, values: Values): string {
  return message.replace(/%(\d+)/g, (mark, place: string) =>
    String(values[Number(place) - 1] ?? mark)
  );
}
