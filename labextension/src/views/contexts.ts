import { createContext, useContext } from 'react';
import type { Address } from '../core/address';
import type { Api } from '../core/api';
import { DEFAULT_PREFERENCES, type Preferences } from '../core/preferences';
import type { Translation } from '../core/translation';

export const ApiContext = createContext<Api | null>(null);
/** Puts code into the notebook in front. Rejects with an ApiError where none is. */
export type InsertCode = (code: string) => Promise<void>;

/** Shows a page in the main area, or wherever the surroundings have room for one. */
export type OpenPage = (address: Address) => void;

/** Calls `listener` whenever there is more of a job's series or samples, or of its experiment, until what it returns is called. */
export type FollowFindings = (jobId: string, listener: () => void) => () => void;

export const TranslationContext = createContext<Translation | null>(null);

export const InsertCodeContext = createContext<InsertCode | null>(null);

export const OpenPageContext = createContext<OpenPage | null>(null);

/** The defaults hold where whatever holds the views has no settings. */
export const PreferencesContext = createContext<Preferences>(DEFAULT_PREFERENCES);

export const FollowFindingsContext = createContext<FollowFindings | null>(null);

/** The identifier of the heading of the page that a view is on, '' where it is on none. */
export const PageTitleContext = createContext('');

/** The API of the panel around the component. */
export function useApi(): Api {
  return given(useContext(ApiContext));
}

/** The translation of the panel around the component. */
export function useTrans(): Translation {
  return given(useContext(TranslationContext));
}

/** The way into a notebook of whatever holds the panel. */
export function useInsertCode(): InsertCode {
  return given(useContext(InsertCodeContext));
}

/** The way to a page; null where none can be opened. */
export function useOpenPage(): OpenPage | null {
  return useContext(OpenPageContext);
}

/** What the user has set about the views. */
export function usePreferences(): Preferences {
  return useContext(PreferencesContext);
}

/** The way to hear of what a job finds as it goes. */
export function useFollowFindings(): FollowFindings {
  return given(useContext(FollowFindingsContext));
}

function given<T>(value: T | null): T {
  if (value === null) {
    throw new Error('A view was drawn outside of its panel.');
  }
  return value;
}
