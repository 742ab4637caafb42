import type { JSX } from 'react';
import { experimentsOf, isLiving } from '../../core/jobs';
import type { Workspace } from '../../core/live';
import type { Service } from '../../core/types';
import { useOpenPage, useTrans } from '../contexts';
import { ErrorNote } from '../ErrorNote';
import { ExperimentForm } from '../experiments/ExperimentForm';
import { LiveReport } from '../experiments/LiveReport';
import { useExperiment } from '../experiments/useExperiment';
import { JobItem } from '../JobItem';

const MOST_EARLIER = 5;

/** The experiments that go on on a service's traffic, the form that starts one, and what earlier ones found. */
export function ServiceExperiments({
  service,
  workspace
}: {
  service: Service;
  workspace: Workspace;
}): JSX.Element {
  const trans = useTrans();
  const openPage = useOpenPage();
  const jobs = experimentsOf(service.name, workspace.jobs ?? []);
  const running = jobs.filter(job => isLiving(job));
  const earlier = jobs.filter(job => !isLiving(job));
  const recordings = earlier.map(({ id, title }) => ({ traffic: id, title }));
  if (service.spec.log_sample > 0) {
    recordings.push({ traffic: service.name, title: trans.__('the log of its requests') });
  }
  return (
    <>
      {running.map(({ id }) => (
        <Running key={id} id={id} />
      ))}
      <details className="jp-ModelDeploy-more">
        <summary>{trans.__('Set up an experiment')}</summary>
        {service.spec.models.map(served => (
          <ExperimentForm
            key={served.model}
            service={service.name}
            served={served}
            recordings={recordings}
            model={workspace.models?.find(({ name }) => name === served.model)}
            onStarted={job => {
              openPage?.({ page: 'experiment', id: job.id });
            }}
          />
        ))}
      </details>
      {earlier.length > 0 && (
        <ul role="list" aria-label={trans.__('Earlier experiments of %1', service.name)}>
          {earlier.slice(0, MOST_EARLIER).map(job => (
            <JobItem key={job.id} job={job} />
          ))}
        </ul>
      )}
    </>
  );
}

function Running({ id }: { id: string }): JSX.Element {
  const { found, error } = useExperiment(id);
  return found ? <LiveReport found={found} /> : <ErrorNote error={error} />;
}
