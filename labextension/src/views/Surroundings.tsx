import { useSyncExternalStore, type JSX, type ReactNode } from 'react';
import type { Api } from '../core/api';
import type { Live, Workspace } from '../core/live';
import { PreferenceStore } from '../core/preferences';
import type { Translation } from '../core/translation';
import { Connection } from './Connection';
import {
  ApiContext,
  FollowFindingsContext,
  InsertCodeContext,
  OpenPageContext,
  PreferencesContext,
  TranslationContext,
  type InsertCode,
  type OpenPage
} from './contexts';
import { useKeptFocus } from './useKeptFocus';

/** What the views need of whatever holds them: a JupyterLab, a notebook's output. */
export interface Given {
  readonly api: Api;
  readonly live: Live;
  readonly insertCode: InsertCode;
  /** null where no page can be opened. */
  readonly openPage: OpenPage | null;
  readonly trans: Translation;
  /** Where there are settings; the defaults hold elsewhere. */
  readonly preferences?: PreferenceStore;
}

const DEFAULTS = new PreferenceStore();

/** Gives the views what they need and draws them again with the workspace as it changes. */
export function Surroundings({
  given,
  children
}: {
  given: Given;
  children: (workspace: Workspace) => ReactNode;
}): JSX.Element {
  const workspace = useSyncExternalStore(given.live.subscribe, given.live.snapshot);
  const { subscribe, snapshot } = given.preferences ?? DEFAULTS;
  const place = useKeptFocus<HTMLDivElement>();
  const preferences = useSyncExternalStore(subscribe, snapshot);
  return (
    <ApiContext.Provider value={given.api}>
      <TranslationContext.Provider value={given.trans}>
        <InsertCodeContext.Provider value={given.insertCode}>
          <OpenPageContext.Provider value={given.openPage}>
            <FollowFindingsContext.Provider value={given.live.followFindings}>
              <PreferencesContext.Provider value={preferences}>
                <div ref={place} className="jp-ModelDeploy">
                  <Connection workspace={workspace} />
                  {children(workspace)}
                </div>
              </PreferencesContext.Provider>
            </FollowFindingsContext.Provider>
          </OpenPageContext.Provider>
        </InsertCodeContext.Provider>
      </TranslationContext.Provider>
    </ApiContext.Provider>
  );
}
