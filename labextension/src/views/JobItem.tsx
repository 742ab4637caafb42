import { useState, type JSX } from 'react';
import { newestFirst } from '../core/jobs';
import { jobStateText } from '../core/states';
import type { Job } from '../core/types';
import { Confirmation } from './Confirmation';
import { useTrans } from './contexts';
import { ErrorNote } from './ErrorNote';
import { IconButton } from './IconButton';
import { findingsOf } from './jobFindings';
import { LogTail } from './LogTail';
import { OpenPageButton } from './OpenPageButton';
import { ProgressBar } from './ProgressBar';
import { StateTag } from './StateTag';
import { useJobActions } from './useJobActions';
import { useQuestion } from './useQuestion';

interface Props {
  job: Job;
  /** The jobs that are parts of it, in any order. */
  parts?: readonly Job[];
}

/** One job: how far it is or how it ended, and what can be done about it. */
export function JobItem({ job, parts = [] }: Props): JSX.Element {
  const trans = useTrans();
  const [logShown, setLogShown] = useState(false);
  const [findingsShown, setFindingsShown] = useState(false);
  const findings = findingsOf(job, trans);
  const { cancel, resume, living, resumable } = useJobActions(job);
  const [asking, setAsking] = useQuestion(living);
  return (
    <li className="jp-ModelDeploy-item" aria-label={job.title} data-job={job.id}>
      <div className="jp-ModelDeploy-line">
        <span className="jp-ModelDeploy-title" title={job.title}>
          {job.title}
        </span>
        <span className="jp-ModelDeploy-actions">
          <OpenPageButton
            address={{ page: 'job', id: job.id }}
            label={trans.__('Open the page of %1', job.title)}
          />
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
          {resumable && (
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
          text={cancel.busy ? trans.__('stopping…') : jobStateText(job, trans)}
        />
        {living && job.device && <span>{job.device}</span>}
      </div>
      {asking && (
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
