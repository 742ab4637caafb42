import type { JSX } from 'react';
import { newestFirst } from '../../core/jobs';
import type { Workspace } from '../../core/live';
import { jobStateText } from '../../core/states';
import type { Job } from '../../core/types';
import { Confirmation } from '../Confirmation';
import { useTrans } from '../contexts';
import { ErrorNote } from '../ErrorNote';
import { findingsOf } from '../jobFindings';
import { JobItem } from '../JobItem';
import { ProgressBar } from '../ProgressBar';
import { StateTag } from '../StateTag';
import { useJobActions } from '../useJobActions';
import { useQuestion } from '../useQuestion';
import { useJobLog } from '../useJobLog';
import { LogView } from './LogView';
import { Missing } from './Missing';
import { PageButton } from './PageButton';
import { PageFrame } from './PageFrame';
import { Parameters, toldOf } from './Parameters';
import { Part } from './Part';

const LONGEST_LOG = 500_000;

/** One job: how far it is, what it finds as it goes and at its end, and its log. */
export function JobPage({
  id,
  workspace
}: {
  id: string;
  workspace: Workspace;
}): JSX.Element | null {
  const trans = useTrans();
  const { jobs } = workspace;
  const job = jobs?.find(one => one.id === id);
  if (!jobs || !job) {
    return jobs && <Missing text={trans.__('There is no job %1.', id)} />;
  }
  return <Known job={job} parts={jobs.filter(({ parent }) => parent === id)} />;
}

function Known({ job, parts }: { job: Job; parts: readonly Job[] }): JSX.Element {
  const trans = useTrans();
  const findings = findingsOf(job, trans);
  const { text, error } = useJobLog(job, LONGEST_LOG);
  return (
    <PageFrame title={job.title} facts={factsOf(job)}>
      <State job={job} />
      {findings && (
        <Part title={trans.__('Findings')}>
          <findings.View job={job} />
        </Part>
      )}
      {parts.length > 0 && (
        <Part title={trans.__('Its jobs')}>
          <ul role="list" aria-label={trans.__('Jobs of %1', job.title)}>
            {[...parts]
              .sort(newestFirst)
              .reverse()
              .map(part => (
                <JobItem key={part.id} job={part} />
              ))}
          </ul>
        </Part>
      )}
      {job.result && !findings?.isResult && toldOf(job.result).length > 0 && (
        <Part title={trans.__('Result')}>
          <Parameters label={trans.__('Result of %1', job.title)} values={job.result} />
        </Part>
      )}
      <Part title={trans.__('Parameters')}>
        <Parameters label={trans.__('Parameters of %1', job.title)} values={job.parameters} />
      </Part>
      <Part title={trans.__('Log')}>
        <LogView text={text} label={trans.__('Log of %1', job.title)} />
        <ErrorNote error={error} />
      </Part>
    </PageFrame>
  );
}

/** How far it is or how it ended, with the way to end it or to go on. */
function State({ job }: { job: Job }): JSX.Element {
  const trans = useTrans();
  const { cancel, resume, living, resumable } = useJobActions(job);
  const [asking, setAsking] = useQuestion(living);
  return (
    <div className="jp-ModelDeploy-part">
      <div className="jp-ModelDeploy-buttons">
        <StateTag
          state={cancel.busy ? 'stopping' : job.state}
          text={cancel.busy ? trans.__('stopping…') : jobStateText(job, trans)}
        />
        {living && (
          <PageButton
            text={trans.__('Cancel')}
            label={trans.__('Cancel %1', job.title)}
            disabled={cancel.busy}
            onClick={() => {
              setAsking(true);
            }}
          />
        )}
        {resumable && (
          <PageButton
            text={trans.__('Resume')}
            label={trans.__('Resume %1', job.title)}
            disabled={resume.busy}
            onClick={resume.run}
          />
        )}
      </div>
      {living && !cancel.busy && (
        <ProgressBar progress={job.progress} label={trans.__('Progress of %1', job.title)} />
      )}
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
    </div>
  );
}

function factsOf(job: Job): string {
  const time = (text: string | null): string => (text ? new Date(text).toLocaleString() : '');
  const times = [time(job.started_at ?? job.queued_at), time(job.ended_at)].filter(Boolean);
  return [job.kind, job.device, times.join(' – ')].filter(Boolean).join(' · ');
}
