import type { Api } from '../core/api';
import { ApiError } from '../core/errors';
import type { Host } from '../core/host';
import type { Translation } from '../core/translation';
import type { Texts } from '../core/types';

/** What a panel has where no extension of ours is around it, as in Voila: the browser's language, which it learns from the
 * kernel, and the clipboard for code. */
export class Standalone implements Host {
  readonly language = navigator.language;

  readonly trans: Translation = {
    __: (message, ...values) => this._say(message, message, values),
    gettext: (message, ...values) => this._say(message, message, values),
    _n: (singular, plural, count, ...values) =>
      this._say(singular, count === 1 ? singular : plural, [count, ...values])
  };

  /** Learns the texts of the browser's language from the kernel; resolves to what is spoken from now on. */
  async learn(api: Api): Promise<string> {
    this._texts = await api.texts(this.language);
    return Object.keys(this._texts).length > 0 ? this.language : 'en';
  }

  readonly insertCode = async (code: string): Promise<void> => {
    await navigator.clipboard.writeText(code);
    throw new ApiError(
      409,
      'conflict',
      this.trans.__('No notebook can be written to from here.'),
      this.trans.__('The code is on the clipboard.')
    );
  };

  /** Chinese has one form for any number, so a text's first is all that is asked for. */
  private _say(key: string, english: string, values: (string | number)[]): string {
    const message = this._texts[key]?.[0] || english;
    return message.replace(/%(\d+)/g, (mark, place: string) =>
      String(values[Number(place) - 1] ?? mark)
    );
  }

  private _texts: Texts = {};
}
