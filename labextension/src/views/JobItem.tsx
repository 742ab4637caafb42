import { useState, type JSX } from 'react';
import { newestFirst } from '../core/jobs';
import type { Job, JobState } from '../core/types';
import type { Translation } from '../core/translation';
import { Confirmation } from './Confirmation';
import { useApi, useTrans } from './contexts';
import { ErrorNote } from './ErrorNote';
import { IconButton } from './IconButton';
import { findingsOf } from './jobFindings';
import { LogTail } from './LogTail';
import { ProgressBar } from './ProgressBar';
import { StateTag } from './StateTag';
import { useAction } from './useAction';

const RESUMABLE: JobState[] = ['failed', 'interrupted', 'cancelled'];

interface Props {
  job: Job;
  /** The jobs that are parts of it, in any order. */
  parts?: readonly Job[];
}

/** One job: how far it is or how it ended, and what can be done about it. */
export function JobItem({ job, parts = [] }: Props): JSX.Element {
  const api = useApi();
  const trans = useTrans();
  const [asking, setAsking] = useState(false);
  const [logShown, setLogShown] = useState(false);
  const [findingsShown, setFindingsShown] = useState(false);
  const findings = findingsOf(job, trans);
  const living = job.state === 'queued' || job.state === 'running';
  const cancel = useAction(async () => {
    await api.cancelJob(job.id);
  });
  const resume = useAction(async () => {
    await api.resumeJob(job.id);
  });
  return (
    <li className="jp-ModelDeploy-item" aria-label={job.title}>
      <div className="jp-ModelDeploy-line">
        <span className="jp-ModelDeploy-title" title={job.title}>
          {job.title}
        </span>
        <span className="jp-ModelDeploy-actions">
          {findings && (
            <IconButton
              icon="chart"
              label={findingsShown ? findings.hide : findings.show}
              expanded={findingsShown}
              onClick={() => {
                setFindingsShown(!findingsShown);
              }}
            />
          )}
          <IconButton
            icon="log"
            label={
              logShown
                ? trans.__('Hide the log of %1', job.title)
                : trans.__('Show the log of %1', job.title)
            }
            expanded={logShown}
            onClick={() => {
              setLogShown(!logShown);
            }}
          />
          {living && (
            <IconButton
              icon="close"
              label={trans.__('Cancel %1', job.title)}
              disabled={cancel.busy}
              onClick={() => {
                setAsking(true);
              }}
            />
          )}
          {RESUMABLE.includes(job.state) && job.parent === null && (
            <IconButton
              icon="resume"
              label={trans.__('Resume %1', job.title)}
              disabled={resume.busy}
              onClick={resume.run}
            />
          )}
        </span>
      </div>
      {living && !cancel.busy && (
        <ProgressBar progress={job.progress} label={trans.__('Progress of %1', job.title)} />
      )}
      <div className="jp-ModelDeploy-line jp-ModelDeploy-detail">
        <StateTag
          state={cancel.busy ? 'stopping' : job.state}
          text={stateText(job, cancel.busy, trans)}
        />
        {living && job.device && <span>{job.device}</span>}
      </div>
      {living && asking && (
        <Confirmation
          question={trans.__('Cancel %1?', job.title)}
          action={trans.__('Cancel the job')}
          onConfirm={cancel.run}
          onDismiss={() => {
            setAsking(false);
          }}
        />
      )}
      <ErrorNote error={cancel.error ?? resume.error ?? job.error} />
      {findings && findingsShown && <findings.View job={job} />}
      {findingsShown && parts.length > 0 && (
        <ul role="list" aria-label={trans.__('Jobs of %1', job.title)}>
          {[...parts]
            .sort(newestFirst)
            .reverse()
            .map(part => (
              <JobItem key={part.id} job={part} />
            ))}
        </ul>
      )}
      {logShown && <LogTail job={job} />}
    </li>
  );
}

function stateText(job: Job, stopping: boolean, trans: Translation): string {
  if (stopping) {
    return trans.__('stopping…');
  }
  switch (job.state) {
    case 'queued':
      return job.progress.message || trans.__('queued');
    case 'running':
      return job.progress.message || trans.__('running');
    case 'succeeded':
      return trans.__('succeeded');
    case 'failed':
      return trans.__('failed');
    case 'cancelled':
      return trans.__('cancelled');
    case 'interrupted':
      return trans.__('interrupted');
  }
}
