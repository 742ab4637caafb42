import type { Api } from '../core/api';
import { ApiError } from '../core/errors';
import type { Host } from '../core/host';
import { translationOf } from '../core/texts';
import type { Texts } from '../core/types';

/** What a panel has where no extension of ours is around it, as in Voila: the browser's language and the clipboard. */
export interface Standalone extends Host {
  /** Learns the texts of the browser's language from the kernel; resolves to what is spoken from now on. */
  readonly learn: (api: Api) => Promise<string>;
}

export function standalone(): Standalone {
  const { language } = navigator;
  let texts: Texts = {};
  const trans = translationOf(() => texts);
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
