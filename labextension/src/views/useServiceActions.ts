import type { Service } from '../core/types';
import { useApi } from './contexts';
import { useAction, type Action } from './useAction';

/** What is done with a service as a whole, and what of it can be done now. */
export interface ServiceActions {
  stop: Action<[]>;
  start: Action<[]>;
  /** Forget it. */
  remove: Action<[]>;
  stoppable: boolean;
  ended: boolean;
}

export function useServiceActions({ name, state }: Service): ServiceActions {
  const api = useApi();
  return {
    stop: useAction(async () => {
      await api.stopService(name);
    }),
    start: useAction(async () => {
      await api.startService(name);
    }),
    remove: useAction(() => api.removeService(name)),
    stoppable: state === 'ready' || state === 'starting',
    ended: state === 'stopped' || state === 'failed'
  };
}
