import type { Api } from './api';
import { asApiError, type ApiError } from './errors';
import { Patience } from './insisting';
import { newestFirst } from './jobs';
import type { Change, Dataset, Job, Model, Service } from './types';

const WAIT_SECONDS = 25;
/** With more changed jobs than this, one list is cheaper than a request for each. */
const MOST_SINGLE_READS = 6;
/** What is not heard of for so long is waited for no more. */
const CATCH_UP_MS = 15_000;
/** What grows as a job goes, and has its job's id. */
const FINDINGS = new Set(['metrics', 'experiment']);

/** The workspace as last heard; null where nothing was heard yet. */
export interface Workspace {
  readonly connection: 'connecting' | 'live' | 'retrying';
  readonly error: ApiError | null;
  readonly models: readonly Model[] | null;
  readonly datasets: readonly Dataset[] | null;
  readonly jobs: readonly Job[] | null;
  readonly services: readonly Service[] | null;
}

/** Keeps a picture of the workspace up to date while it is followed: waits for changes and reads again only what they
 * name. A lost connection is tried again, ever more slowly, from the number last seen; whether there is one is asked at
 * once before the first wait. */
export class Live {
  constructor(private readonly _api: Api) {}

  readonly snapshot = (): Workspace => this._workspace;

  readonly subscribe = (listener: () => void): (() => void) => {
    this._listeners.add(listener);
    return () => this._listeners.delete(listener);
  };

  /** Calls `listener` whenever there is more of a job's series or samples, or of its experiment, until what is returned is called. */
  readonly followFindings = (jobId: string, listener: () => void): (() => void) => {
    const follower = { jobId, listener };
    this._findingsFollowers.add(follower);
    return () => this._findingsFollowers.delete(follower);
  };

  /** Follow until what is returned is called, as when nobody sees the panel any more; whoever comes next goes on from the
   * number last seen. Several may follow at once and share what is heard. */
  follow(): () => void {
    const follower = {};
    this._followers.add(follower);
    if (!this._following) {
      this._following = new AbortController();
      void this._run(this._following.signal);
    }
    return () => {
      if (this._followers.delete(follower) && this._followers.size === 0) {
        this._following?.abort();
        this._following = null;
      }
    };
  }

  /** Resolves once the picture holds all that has happened until now, such as what the user has just set off. It does not
   * wait where nobody follows or the connection is lost, and never for long. */
  async catchUp(): Promise<void> {
    const timeUp = AbortSignal.timeout(CATCH_UP_MS);
    const latest = await this._api.latestChange(timeUp).catch(() => null); // whoever follows tells of a lost connection
    const behind = (): boolean =>
      latest !== null &&
      this._following !== null &&
      this._workspace.connection === 'live' &&
      (this._seen ?? latest) < latest;
    await new Promise<void>(resolve => {
      const look = (): void => {
        if (timeUp.aborted || !behind()) {
          timeUp.removeEventListener('abort', look);
          stop();
          resolve();
        }
      };
      const stop = this.subscribe(look);
      timeUp.addEventListener('abort', look);
      look();
    });
  }

  private async _run(signal: AbortSignal): Promise<void> {
    const patience = new Patience();
    let waitSeconds = 0;
    while (!signal.aborted) {
      try {
        await (this._seen === null
          ? this._readAll(signal)
          : this._readChanges(this._seen, waitSeconds, signal));
        patience.wentWell();
        waitSeconds = WAIT_SECONDS;
      } catch (thrown) {
        waitSeconds = 0;
        await this._lose(asApiError(thrown), patience, signal);
      }
    }
  }

  private async _lose(error: ApiError, patience: Patience, signal: AbortSignal): Promise<void> {
    if (!signal.aborted) {
      this._set({ connection: 'retrying', error });
      await patience.wait(signal);
    }
  }

  private async _readAll(signal: AbortSignal): Promise<void> {
    const latest = await this._api.latestChange(signal);
    const [models, datasets, jobs, services] = await Promise.all([
      this._api.models(),
      this._api.datasets(),
      this._api.jobs(),
      this._api.services()
    ]);
    signal.throwIfAborted(); // whoever follows now has read later
    this._seen = latest;
    this._set({ connection: 'live', error: null, models, datasets, jobs, services });
    this._findingsFollowers.forEach(({ listener }) => {
      listener();
    });
  }

  private async _readChanges(
    since: number,
    waitSeconds: number,
    signal: AbortSignal
  ): Promise<void> {
    const { changes, latest } = await this._api.changes(since, waitSeconds, signal);
    signal.throwIfAborted();
    if (latest < since) {
      this._seen = null; // another store answers now: nothing that was seen holds
      return;
    }
    const news = await this._readNamed(changes);
    signal.throwIfAborted(); // whoever follows now has read later
    this._seen = changes.at(-1)?.sequence ?? latest;
    this._set({ connection: 'live', error: null, ...news });
  }

  private async _readNamed(changes: Change[]): Promise<Partial<Workspace>> {
    const kinds = new Set(changes.map(change => change.kind));
    this._tellFindings(changes);
    const [models, datasets, jobs, services] = await Promise.all([
      kinds.has('model') || kinds.has('version') ? this._api.models() : null,
      kinds.has('dataset') ? this._api.datasets() : null,
      kinds.has('job') ? this._readJobs(changes.filter(change => change.kind === 'job')) : null,
      kinds.has('service') ? this._api.services() : null
    ]);
    return {
      ...(models && { models }),
      ...(datasets && { datasets }),
      ...(jobs && { jobs }),
      ...(services && { services })
    };
  }

  private _tellFindings(changes: Change[]): void {
    const grown = new Set(changes.filter(({ kind }) => FINDINGS.has(kind)).map(({ key }) => key));
    this._findingsFollowers.forEach(({ jobId, listener }) => {
      if (grown.has(jobId)) {
        listener();
      }
    });
  }

  /** A job at work changes often, so only the changed ones are read. */
  private async _readJobs(changes: Change[]): Promise<readonly Job[]> {
    const ids = new Set(changes.map(change => change.key));
    const known = this._workspace.jobs;
    if (
      !known ||
      ids.size > MOST_SINGLE_READS ||
      changes.some(change => change.action === 'deleted')
    ) {
      return this._api.jobs();
    }
    const read = await Promise.all([...ids].map(id => this._api.job(id)));
    return [...read, ...known.filter(job => !ids.has(job.id))].sort(newestFirst);
  }

  private _set(news: Partial<Workspace>): void {
    this._workspace = { ...this._workspace, ...news };
    this._listeners.forEach(listener => {
      listener();
    });
  }

  private _workspace: Workspace = {
    connection: 'connecting',
    error: null,
    models: null,
    datasets: null,
    jobs: null,
    services: null
  };
  private _seen: number | null = null;
  private _following: AbortController | null = null;
  private readonly _followers = new Set<object>();
  private readonly _listeners = new Set<() => void>();
  private readonly _findingsFollowers = new Set<{ jobId: string; listener: () => void }>();
}
