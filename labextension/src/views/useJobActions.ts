import { isLiving, isResumable } from '../core/jobs';
import type { Job } from '../core/types';
import { useApi } from './contexts';
import { useAction, type Action } from './useAction';

/** What is done with a job, and what of it can be done now. */
export interface JobActions {
  cancel: Action<[]>;
  resume: Action<[]>;
  living: boolean;
  resumable: boolean;
}

export function useJobActions(job: Job): JobActions {
  const api = useApi();
  return {
    cancel: useAction(async () => {
      await api.cancelJob(job.id);
    }),
    resume: useAction(async () => {
      await api.resumeJob(job.id);
    }),
    living: isLiving(job),
    resumable: isResumable(job)
  };
}
