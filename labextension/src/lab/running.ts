import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IRunningSessionManagers, type IRunningSessions } from '@jupyterlab/running';
import { Signal } from '@lumino/signaling';
import { isLiving } from '../core/jobs';
import { jobStateText, serviceStateText } from '../core/states';
import { followInFront } from './following';
import { modelDeployIcon } from './icon';
import { telling } from './telling';
import { IModelDeploy } from './workspace';

/** Services and jobs among the running terminals and kernels; to shut one down stops or cancels it. */
export const running: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-modeldeploy:running',
  description: 'Lists services and jobs among the running sessions.',
  autoStart: true,
  requires: [IModelDeploy],
  optional: [IRunningSessionManagers],
  activate: (
    app: JupyterFrontEnd,
    given: IModelDeploy,
    managers: IRunningSessionManagers | null
  ) => {
    if (!managers) {
      return; // Notebook 7 lists them beside its files alone, not beside a notebook
    }
    const { live } = given;
    for (const manager of [new RunningServices(given), new RunningJobs(given)]) {
      managers.add(manager);
      live.subscribe(() => {
        manager.refreshRunning();
      });
    }
    followInFront(app, live);
  }
};

abstract class RunningItems implements IRunningSessions.IManager {
  constructor(protected readonly _given: IModelDeploy) {}

  abstract readonly name: string;
  abstract readonly shutdownLabel: string;
  abstract readonly shutdownAllLabel: string;
  abstract readonly shutdownAllConfirmationText: string;
  abstract running(): IRunningSessions.IRunningItem[];

  readonly runningChanged = new Signal<this, void>(this);

  refreshRunning(): void {
    this.runningChanged.emit();
  }

  shutdownAll(): void {
    this.running().forEach(item => item.shutdown?.());
  }
}

class RunningServices extends RunningItems {
  readonly name = this._given.trans.__('Model Services');
  readonly shutdownLabel = this._given.trans.__('Stop the service');
  readonly shutdownAllLabel = this._given.trans.__('Stop All');
  readonly shutdownAllConfirmationText = this._given.trans.__(
    'Stop all services? Their clients will be refused.'
  );

  running(): IRunningSessions.IRunningItem[] {
    const { api, live, openPage, trans } = this._given;
    const services = live.snapshot().services ?? [];
    return services
      .filter(({ state }) => state === 'ready' || state === 'starting')
      .map(service => ({
        icon: () => modelDeployIcon,
        label: () => service.name,
        labelTitle: () => service.url ?? service.name,
        detail: () => serviceStateText(service, trans),
        open: () => openPage?.({ page: 'service', name: service.name }),
        shutdown: () => void telling(() => api.stopService(service.name))
      }));
  }
}

class RunningJobs extends RunningItems {
  readonly name = this._given.trans.__('Model Jobs');
  readonly shutdownLabel = this._given.trans.__('Cancel the job');
  readonly shutdownAllLabel = this._given.trans.__('Cancel All');
  readonly shutdownAllConfirmationText = this._given.trans.__('Cancel all jobs?');

  running(): IRunningSessions.IRunningItem[] {
    const { api, live, openPage, trans } = this._given;
    const jobs = live.snapshot().jobs ?? [];
    return jobs
      .filter(job => isLiving(job) && job.parent === null)
      .map(job => ({
        icon: () => modelDeployIcon,
        label: () => job.title,
        labelTitle: () => job.title,
        detail: () => jobStateText(job, trans),
        open: () => openPage?.({ page: 'job', id: job.id }),
        shutdown: () => void telling(() => api.cancelJob(job.id))
      }));
  }
}
