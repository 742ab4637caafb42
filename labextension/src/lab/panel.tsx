import type { JSX } from 'react';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import type { Api } from '../core/api';
import { Live } from '../core/live';
import type { Translation } from '../core/translation';
import type { InsertCode } from '../views/contexts';
import type { Panel } from '../views/Panel';

/** The sidebar's widget: loads the views on its first show and follows the workspace only while someone can see it. */
export class ModelDeployPanel extends ReactWidget {
  constructor(
    private readonly _api: Api,
    private readonly _insertCode: InsertCode,
    private readonly _trans: Translation
  ) {
    super();
    this._live = new Live(_api);
    this.addClass('jp-ModelDeploy-widget');
    document.addEventListener('visibilitychange', this._followWhileSeen);
  }

  override dispose(): void {
    document.removeEventListener('visibilitychange', this._followWhileSeen);
    this._live.pause();
    super.dispose();
  }

  protected override render(): JSX.Element | null {
    const View = this._view;
    return View ? (
      <View api={this._api} live={this._live} insertCode={this._insertCode} trans={this._trans} />
    ) : null;
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
      this._live.pause();
      return;
    }
    this._live.follow();
    this._load ??= this._loadView();
  };

  private async _loadView(): Promise<void> {
    this._view = (await import('../views/Panel')).Panel;
    this.update();
  }

  private readonly _live: Live;
  private _load: Promise<void> | null = null;
  private _view: typeof Panel | null = null;
}
