import type { JSX } from 'react';
import type { Experiment, Job } from '../core/types';
import { useTrans } from './contexts';
import { ErrorNote } from './ErrorNote';
import { ExperimentReport } from './experiments/ExperimentReport';
import { useExperiment } from './experiments/useExperiment';

/** What a job that compares two versions has found: at its end, or of an experiment on live traffic as it goes. */
export function ComparisonResult({ job }: { job: Job }): JSX.Element {
  const trans = useTrans();
  const found = job.result?.experiment as Experiment | undefined;
  if (found) {
    return <ExperimentReport found={found} />;
  }
  return job.kind === 'experiment' ? (
    <Live id={job.id} />
  ) : (
    <p className="jp-ModelDeploy-detail">{trans.__('Nothing was measured yet.')}</p>
  );
}

function Live({ id }: { id: string }): JSX.Element {
  const { found, error } = useExperiment(id);
  return (
    <>
      {found && <ExperimentReport found={found} />}
      <ErrorNote error={error} />
    </>
  );
}
