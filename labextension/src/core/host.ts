import type { PreferenceStore } from './preferences';
import type { Spoken } from './translation';

const SEEK = 'jp-ModelDeploy-seekHost';

/** What a JupyterLab or a Notebook with our extension has for a panel in one of its notebooks, which is loaded on its own
 * and shares nothing with the extension but the page. */
export interface Host extends Spoken {
  readonly preferences?: PreferenceStore;
  /** Puts code into the notebook in front. */
  readonly insertCode: (code: string) => Promise<void>;
}

/** Let the panels on this page use `host`. */
export function offerHost(host: Host): void {
  document.addEventListener(SEEK, event => {
    (event as CustomEvent<{ host?: Host }>).detail.host = host;
  });
}

/** What was offered on this page; null where nothing was, as in Voila. */
export function seekHost(): Host | null {
  const found: { host?: Host } = {};
  document.dispatchEvent(new CustomEvent(SEEK, { detail: found }));
  return found.host ?? null;
}
