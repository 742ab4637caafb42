import type { JSX } from 'react';
import type { Workspace } from '../core/live';
import type { Job } from '../core/types';
import { useApi, useTrans } from '../views/contexts';
import { ErrorNote } from '../views/ErrorNote';
import { Evaluation } from '../views/Evaluation';
import { findingsOf } from '../views/jobFindings';
import { DatasetPage } from '../views/pages/DatasetPage';
import { ExperimentPage } from '../views/pages/ExperimentPage';
import { Missing } from '../views/pages/Missing';
import { PageFrame } from '../views/pages/PageFrame';
import { Parameters } from '../views/pages/Parameters';
import { Part } from '../views/pages/Part';
import { useAnswer } from '../views/useAnswer';

/** What a report is about; one of them is told. */
export interface Subject {
  job?: string;
  experiment?: string;
  version?: string;
  dataset?: string;
}

/** What a job found, or an experiment by now, how good a version is, or what is in a dataset. */
export function Report({
  subject: { job, experiment, version, dataset },
  workspace
}: {
  subject: Subject;
  workspace: Workspace;
}): JSX.Element | null {
  const trans = useTrans();
  if (experiment) {
    return <ExperimentPage id={experiment} workspace={workspace} />;
  }
  if (version) {
    return <VersionReport version={version} />;
  }
  if (dataset) {
    return <DatasetPage name={dataset} workspace={workspace} />;
  }
  const found = workspace.jobs?.find(({ id }) => id === job);
  if (!workspace.jobs || !found) {
    return workspace.jobs && <Missing text={trans.__('There is no job %1.', job ?? '')} />;
  }
  return <JobReport job={found} />;
}

function JobReport({ job }: { job: Job }): JSX.Element {
  const trans = useTrans();
  const findings = findingsOf(job, trans);
  return (
    <PageFrame title={job.title}>
      <ErrorNote error={job.error} />
      {findings && (
        <Part title={trans.__('Findings')}>
          <findings.View job={job} />
        </Part>
      )}
      {!findings && job.result && (
        <Parameters label={trans.__('Result of %1', job.title)} values={job.result} />
      )}
    </PageFrame>
  );
}

function VersionReport({ version }: { version: string }): JSX.Element {
  const api = useApi();
  const trans = useTrans();
  const { answer, error } = useAnswer(version, () => api.version(version));
  return (
    <PageFrame title={version}>
      <ErrorNote error={error} />
      {answer?.evaluation && <Evaluation report={answer.evaluation} />}
      {answer && !answer.evaluation && (
        <Missing text={trans.__('%1 was not evaluated on held-out rows.', version)} />
      )}
    </PageFrame>
  );
}
