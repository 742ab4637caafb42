import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { Live } from '../core/live';

/** Follows the workspace whenever the window is in front, from when JupyterLab has come up and has nothing else to do. */
export function followInFront(app: JupyterFrontEnd, live: Live): void {
  let leave: (() => void) | null = null;
  const follow = (): void => {
    if (document.hidden) {
      leave?.();
      leave = null;
    } else {
      leave ??= live.follow();
    }
  };
  void app.restored.then(() => {
    window.setTimeout(() => {
      document.addEventListener('visibilitychange', follow);
      follow();
    });
  });
}
