import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { isLiving } from '../core/jobs';
import { jobStateText } from '../core/states';
import type { Job, Service } from '../core/types';
import { followInFront } from './following';
import { SHOWN_MS } from './telling';
import { IModelDeploy } from './workspace';

/** A job that ends sooner tells its end alone. */
const WORTH_SHOWING_MS = 2000;

/** Tells how far long work is and how it ended, wherever the user looks. */
export const notifications: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-modeldeploy:notifications',
  description:
    'Tells of the progress and the end of jobs, and of services that fail or have moved.',
  autoStart: true,
  requires: [IModelDeploy],
  activate: (app: JupyterFrontEnd, given: IModelDeploy) => {
    const jobs = new JobNotices(given);
    const services = new ServiceNotices(given);
    given.live.subscribe(() => {
      const workspace = given.live.snapshot();
      workspace.jobs?.forEach(jobs.tell);
      workspace.services?.forEach(services.tell);
    });
    followInFront(app, given.live);
  }
};

/** One notification for each job that was seen at work. */
class JobNotices {
  constructor(private readonly _given: IModelDeploy) {}

  readonly tell = (job: Job): void => {
    const seen = this._seen.get(job.id);
    if (job.parent !== null || seen?.job === job) {
      return; // parts are told of by their whole
    }
    if (isLiving(job)) {
      const first = seen ?? { since: Date.now(), notice: null };
      this._seen.set(job.id, { ...first, job, notice: this._tellProgress(job, first) });
    } else if (seen) {
      this._seen.delete(job.id);
      this._tellEnd(job, seen.notice);
    }
  };

  /** The notification's identifier, once there is one; it stays away where it was dismissed. */
  private _tellProgress(
    job: Job,
    { since, notice }: Pick<Seen, 'since' | 'notice'>
  ): string | null {
    const { trans, preferences } = this._given;
    const wanted = preferences.snapshot().notifications === 'progress';
    if (!wanted || Date.now() - since < WORTH_SHOWING_MS) {
      return notice;
    }
    const { done, total } = job.progress;
    const message = `${job.title}: ${jobStateText(job, trans)}`;
    const options = {
      autoClose: false as const,
      progress: total ? Math.min(1, done / total) : undefined,
      actions: [this._showIt(job)]
    };
    if (notice === null) {
      return Notification.emit(message, 'in-progress', options);
    }
    Notification.update({ id: notice, message, ...options });
    return notice;
  }

  private _tellEnd(job: Job, notice: string | null): void {
    const { trans, preferences } = this._given;
    if (notice !== null) {
      Notification.dismiss(notice);
    }
    if (preferences.snapshot().notifications === 'none') {
      return;
    }
    const message = [`${job.title}: ${jobStateText(job, trans)}.`, job.error?.message].join(' ');
    const failed = job.state === 'failed' || job.state === 'interrupted';
    Notification.emit(
      message.trim(),
      failed ? 'error' : job.state === 'succeeded' ? 'success' : 'info',
      {
        autoClose: failed ? false : SHOWN_MS,
        actions: [this._showIt(job)]
      }
    );
  }

  private _showIt({ id }: Job): Notification.IAction {
    return {
      label: this._given.trans.__('Show it'),
      callback: () => this._given.openPage?.({ page: 'job', id })
    };
  }

  private readonly _seen = new Map<string, Seen>();
}

interface Seen {
  job: Job;
  /** When this window first saw it at work, in its own milliseconds. */
  since: number;
  notice: string | null;
}

/** A notification for each service that fails while the window is open, or that starts and has something to be known. */
class ServiceNotices {
  constructor(private readonly _given: IModelDeploy) {}

  readonly tell = ({ name, state, error, notes }: Service): void => {
    const { preferences, trans } = this._given;
    const before = this._states.get(name);
    this._states.set(name, state);
    const isNew = before !== undefined && before !== state;
    if (!isNew || preferences.snapshot().notifications === 'none') {
      return;
    }
    if (state === 'failed') {
      const message = [trans.__('The service %1 failed.', name), error?.message].join(' ');
      Notification.error(message.trim(), { autoClose: false, actions: [this._showIt(name)] });
    } else if (state === 'ready' && notes.length > 0) {
      const message = [trans.__('The service %1 is ready.', name), ...notes].join(' ');
      Notification.warning(message, { autoClose: false, actions: [this._showIt(name)] });
    }
  };

  private _showIt(name: string): Notification.IAction {
    return {
      label: this._given.trans.__('Show it'),
      callback: () => this._given.openPage?.({ page: 'service', name })
    };
  }

  private readonly _states = new Map<string, Service['state']>();
}
