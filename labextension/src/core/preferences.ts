/** What a user may set about the views. */
export interface Preferences {
  /** Seconds between two readings of the devices' use. */
  readonly deviceRefresh: number;
  /** How many of these readings are drawn. */
  readonly deviceHistory: number;
  /** How many ended jobs are listed until the others are asked for. */
  readonly recentJobs: number;
  /** What is told of jobs and services beside the lists. */
  readonly notifications: 'progress' | 'end' | 'none';
  /** The hub that is searched first: `hf` or `ms`. */
  readonly hub: string;
}

export const DEFAULT_PREFERENCES: Preferences = {
  deviceRefresh: 2,
  deviceHistory: 60,
  recentJobs: 3,
  notifications: 'progress',
  hub: 'hf'
};

/** The preferences as they are now, and word of when they change. */
export class PreferenceStore {
  readonly snapshot = (): Preferences => this._current;

  readonly subscribe = (listener: () => void): (() => void) => {
    this._listeners.add(listener);
    return () => this._listeners.delete(listener);
  };

  /** Take over what is set; what is not keeps its default. */
  set(chosen: Partial<Preferences>): void {
    this._current = { ...DEFAULT_PREFERENCES, ...chosen };
    this._listeners.forEach(listener => {
      listener();
    });
  }

  private _current = DEFAULT_PREFERENCES;
  private readonly _listeners = new Set<() => void>();
}
