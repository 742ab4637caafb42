import { useState } from 'react';

/** The words that a list is cut down to, and whether their field is shown. */
export interface Filter {
  shown: boolean;
  text: string;
  /** How many items have all of the words in them. */
  matching: number;
  setText: (text: string) => void;
  /** Shows the field, or takes it away together with what stood in it. */
  toggle: () => void;
}

/** The `items` that have all of the user's words somewhere in `textOf` them, and what the filter's field needs. */
export function useFilter<T>(
  items: readonly T[] | null,
  textOf: (item: T) => string
): [readonly T[], Filter] {
  const [shown, setShown] = useState(false);
  const [text, setText] = useState('');
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const all = items ?? [];
  const matching =
    words.length === 0
      ? all
      : all.filter(item => {
          const told = textOf(item).toLowerCase();
          return words.every(word => told.includes(word));
        });
  const toggle = (): void => {
    setShown(!shown);
    setText('');
  };
  return [matching, { shown, text, matching: matching.length, setText, toggle }];
}
