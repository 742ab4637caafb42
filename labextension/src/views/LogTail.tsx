import { useEffect, useRef, useState, type JSX } from 'react';
import { asApiError, type ApiError } from '../core/errors';
import type { Job } from '../core/types';
import { useApi, useTrans } from './contexts';
import { ErrorNote } from './ErrorNote';

const POLL_MS = 1000;
const LONGEST_TAIL = 64_000;

/** The end of a job's log; follows it while the job writes. */
export function LogTail({ job }: { job: Job }): JSX.Element {
  const api = useApi();
  const trans = useTrans();
  const [text, setText] = useState<string | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const view = useRef<HTMLPreElement>(null);

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let gone = false;
    const read = async (offset: number, before: string): Promise<void> => {
      const chunk = await api.jobLog(job.id, offset);
      if (gone) {
        return;
      }
      setError(null);
      const tail = (before + chunk.text).slice(-LONGEST_TAIL);
      setText(tail);
      const more = chunk.text !== '';
      if (more || !chunk.ended) {
        timer = setTimeout(follow, more ? 0 : POLL_MS, chunk.next_offset, tail);
      }
    };
    const follow = (offset: number, before: string): void => {
      read(offset, before).catch((thrown: unknown) => {
        setError(asApiError(thrown));
      });
    };
    follow(0, '');
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [api, job.id, job.attempt]);

  useEffect(() => {
    view.current?.scrollTo({ top: view.current.scrollHeight });
  }, [text]);

  return (
    <>
      <pre
        ref={view}
        className="jp-ModelDeploy-log"
        role="log"
        tabIndex={0}
        aria-label={trans.__('Log of %1', job.title)}
      >
        {text === '' ? trans.__('The log is empty.') : (text ?? trans.__('Loading…'))}
      </pre>
      <ErrorNote error={error} />
    </>
  );
}
