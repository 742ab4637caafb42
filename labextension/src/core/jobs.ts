import type { Job } from './types';

/** The order of the server's list: of jobs made at the same moment the identifier decides. */
export function newestFirst(a: Job, b: Job): number {
  return b.created_at.localeCompare(a.created_at) || b.id.localeCompare(a.id);
}

/** Whether a job is at work or waits to be. */
export function isLiving({ state }: Job): boolean {
  return state === 'queued' || state === 'running';
}

/** The experiments on a service's own traffic. */
export function experimentsOf(service: string, jobs: readonly Job[]): Job[] {
  return jobs.filter(
    ({ kind, parameters }) => kind === 'experiment' && parameters.service === service
  );
}

/** Whether an ended job can go on; a part of another job goes on with that one. */
export function isResumable({ state, parent }: Job): boolean {
  return parent === null && ['failed', 'interrupted', 'cancelled'].includes(state);
}
