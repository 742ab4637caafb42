import type { ComponentType, JSX } from 'react';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import { insist } from '../core/insisting';
import type { Workspace } from '../core/live';
import type { Given } from '../views/Surroundings';

/** Something that is drawn from the workspace. */
export type View = ComponentType<{ workspace: Workspace }>;

/** A widget with one view in it: loads it on its first show, and follows the workspace only while someone can see it. */
export class ViewWidget extends ReactWidget {
  /** Whatever is given comes from JupyterLab; `load` imports the view, so that it is no part of JupyterLab's start. */
  constructor(
    private readonly _given: Given,
    private readonly _load: () => Promise<View>
  ) {
    super();
    this.addClass('jp-ModelDeploy-widget');
    this.node.tabIndex = -1;
    document.addEventListener('visibilitychange', this._followWhileSeen);
  }

  override dispose(): void {
    document.removeEventListener('visibilitychange', this._followWhileSeen);
    this._pause();
    this._leaving.abort();
    super.dispose();
  }

  protected override render(): JSX.Element | null {
    if (!this._drawn) {
      return null;
    }
    const { View, Surroundings } = this._drawn;
    return (
      <Surroundings given={this._given}>{workspace => <View workspace={workspace} />}</Surroundings>
    );
  }

  /** Takes the focus, so that the next Tab goes into it. */
  protected override onActivateRequest(message: Message): void {
    super.onActivateRequest(message);
    if (!this.node.contains(document.activeElement)) {
      this.node.focus();
    }
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this._followWhileSeen();
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this._followWhileSeen();
  }

  protected override onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this._followWhileSeen();
  }

  private readonly _followWhileSeen = (): void => {
    if (!this.isVisible || document.hidden) {
      this._pause();
      return;
    }
    this._leave ??= this._given.live.follow();
    this._loading ??= this._loadView();
  };

  private _pause(): void {
    this._leave?.();
    this._leave = null;
  }

  private async _loadView(): Promise<void> {
    const [View, { Surroundings }] = await insist(
      () => Promise.all([this._load(), import('../views/Surroundings')]),
      this._leaving.signal
    );
    this._drawn = { View, Surroundings };
    this.update();
  }

  private readonly _leaving = new AbortController();
  private _leave: (() => void) | null = null;
  private _loading: Promise<void> | null = null;
  private _drawn: {
    View: View;
    Surroundings: (typeof import('../views/Surroundings'))['Surroundings'];
  } | null = null;
}
