import type { Translation } from './translation';
import type { Texts } from './types';

type Values = readonly (string | number)[];

/** What is spoken where JupyterLab's own translation is not at hand: what the texts say at that moment, else English. */
export function translationOf(texts: () => Texts): Translation {
  // Chinese has one form for any number, so a text's first is all that is asked for.
  const said = (key: string, english: string, values: Values): string =>
    fill(texts()[key]?.[0] || english, values);
  return {
    __: (message, ...values) => said(message, message, values),
    gettext: (message, ...values) => said(message, message, values),
    _n: (singular, plural, count, ...values) =>
      said(singular, count === 1 ? singular : plural, [count, ...values])
  };
}

function fill(message: string, values: Values): string {
  return message.replace(/%(\d+)/g, (mark, place: string) =>
    String(values[Number(place) - 1] ?? mark)
  );
}
