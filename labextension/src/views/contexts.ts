import { createContext, useContext } from 'react';
import type { Api } from '../core/api';
import type { Translation } from '../core/translation';

export const ApiContext = createContext<Api | null>(null);
export const TranslationContext = createContext<Translation | null>(null);

/** The API of the panel around the component. */
export function useApi(): Api {
  return given(useContext(ApiContext));
}

/** The translation of the panel around the component. */
export function useTrans(): Translation {
  return given(useContext(TranslationContext));
}

function given<T>(value: T | null): T {
  if (value === null) {
    throw new Error('A view was drawn outside of its panel.');
  }
  return value;
}
