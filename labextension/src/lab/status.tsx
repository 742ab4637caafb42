import type { JSX } from 'react';
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IStatusBar, TextItem } from '@jupyterlab/statusbar';
import { ReactWidget } from '@jupyterlab/ui-components';
import { Signal } from '@lumino/signaling';
import { isLiving } from '../core/jobs';
import type { Device } from '../core/types';
import { formatBytes } from '../views/format';
import { followInFront } from './following';
import { IModelDeploy, OPEN } from './workspace';

/** GPU memory is looked at this many times less often than the sidebar looks at its devices. */
const SLOWER = 5;

/** How much is at work, in the status bar. */
export const status: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-modeldeploy:status',
  description: 'Shows running jobs, ready services and GPU memory in the status bar.',
  autoStart: true,
  requires: [IModelDeploy],
  optional: [IStatusBar],
  activate: (app: JupyterFrontEnd, given: IModelDeploy, statusBar: IStatusBar | null) => {
    if (!statusBar) {
      return; // Notebook 7 has none
    }
    const item = new StatusItem(given, () => {
      void app.commands.execute(OPEN);
    });
    statusBar.registerStatusItem('jupyter-modeldeploy', {
      item,
      align: 'left',
      rank: 20,
      isActive: () => item.text !== '',
      activeStateChanged: item.changed
    });
    followInFront(app, given.live);
    void app.restored.then(() => item.readGpus());
  }
};

class StatusItem extends ReactWidget {
  constructor(
    private readonly _given: IModelDeploy,
    private readonly _open: () => void
  ) {
    super();
    _given.live.subscribe(this._draw);
  }

  readonly changed = new Signal<this, void>(this);

  /** `1 job · 2 services · GPU 3.1 GB of 80.0 GB`; '' where there is nothing to tell. */
  get text(): string {
    const { live, trans } = this._given;
    const { jobs, services } = live.snapshot();
    const living = jobs?.filter(job => isLiving(job) && job.parent === null).length ?? 0;
    const ready = services?.filter(({ state }) => state === 'ready').length ?? 0;
    const used = this._gpus.reduce((sum, gpu) => sum + gpu.memory_used, 0);
    const total = this._gpus.reduce((sum, gpu) => sum + gpu.memory_total, 0);
    return [
      living > 0 ? trans._n('%1 job', '%1 jobs', living, living) : '',
      ready > 0 ? trans._n('%1 service', '%1 services', ready, ready) : '',
      total > 0 ? trans.__('GPU %1 of %2', formatBytes(used), formatBytes(total)) : ''
    ]
      .filter(Boolean)
      .join(' · ');
  }

  /** Reads how full the GPUs are, again and again while there are any and the window is in front. */
  async readGpus(): Promise<void> {
    const { api, preferences } = this._given;
    if (!document.hidden) {
      const devices = await api.devices().catch(() => null); // the sidebar tells of a lost connection
      this._gpus = devices?.filter(({ kind }) => kind === 'cuda') ?? this._gpus;
      this._draw();
      if (devices && this._gpus.length === 0) {
        return;
      }
    }
    const seconds = SLOWER * preferences.snapshot().deviceRefresh;
    setTimeout(() => void this.readGpus(), 1000 * seconds);
  }

  protected override render(): JSX.Element {
    return (
      <TextItem
        role="button"
        tabIndex={0}
        className="jp-ModelDeploy-statusItem"
        source={this.text}
        title={this._given.trans.__('Models, jobs and services')}
        onClick={this._open}
        onKeyDown={event => {
          if (event.key === 'Enter' || event.key === ' ') {
            this._open();
          }
        }}
      />
    );
  }

  private readonly _draw = (): void => {
    this.changed.emit();
    this.update();
  };

  private _gpus: Device[] = [];
}
