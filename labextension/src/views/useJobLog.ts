import { useEffect, useState } from 'react';
import { asApiError, type ApiError } from '../core/errors';
import type { Job } from '../core/types';
import { useApi } from './contexts';

const POLL_MS = 1000;

interface JobLog {
  /** Its end, of at most so many characters as were asked for; null until it was read. */
  readonly text: string | null;
  readonly error: ApiError | null;
}

/** The end of a job's log, which grows while the job writes. */
export function useJobLog(job: Job, longest: number): JobLog {
  const api = useApi();
  const [text, setText] = useState<string | null>(null);
  const [error, setError] = useState<ApiError | null>(null);

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let gone = false;
    const read = async (offset: number, before: string): Promise<void> => {
      const chunk = await api.jobLog(job.id, offset);
      if (gone) {
        return;
      }
      setError(null);
      const tail = (before + chunk.text).slice(-longest);
      setText(tail);
      const more = chunk.text !== '';
      if (more || !chunk.ended) {
        timer = setTimeout(follow, more ? 0 : POLL_MS, chunk.next_offset, tail);
      }
    };
    const follow = (offset: number, before: string): void => {
      read(offset, before).catch((thrown: unknown) => {
        if (!gone) {
          setError(asApiError(thrown));
          timer = setTimeout(follow, POLL_MS, offset, before);
        }
      });
    };
    follow(0, '');
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [api, job.id, job.attempt, longest]);

  return { text, error };
}
