import { useEffect, useRef, type JSX } from 'react';
import type { Job } from '../core/types';
import { useTrans } from './contexts';
import { ErrorNote } from './ErrorNote';
import { useJobLog } from './useJobLog';

const LONGEST_TAIL = 64_000;

/** The end of a job's log; follows it while the job writes. */
export function LogTail({ job }: { job: Job }): JSX.Element {
  const trans = useTrans();
  const { text, error } = useJobLog(job, LONGEST_TAIL);
  const view = useRef<HTMLPreElement>(null);

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
