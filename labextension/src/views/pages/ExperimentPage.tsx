import type { JSX } from 'react';
import type { Workspace } from '../../core/live';
import { jobStateText } from '../../core/states';
import type { Experiment, Job } from '../../core/types';
import { useOpenPage, useTrans } from '../contexts';
import { ErrorNote } from '../ErrorNote';
import { formatTime } from '../experiments/figures';
import { LiveReport } from '../experiments/LiveReport';
import { ReportDownload } from '../experiments/ReportDownload';
import { useExperiment } from '../experiments/useExperiment';
import { Missing } from './Missing';
import { PageButton } from './PageButton';
import { PageFrame } from './PageFrame';
import { Part } from './Part';

/** One experiment: what may be said of its two versions now, as long as it runs and afterwards. */
export function ExperimentPage({
  id,
  workspace
}: {
  id: string;
  workspace: Workspace;
}): JSX.Element | null {
  const trans = useTrans();
  const { found, error } = useExperiment(id);
  if (!found) {
    const job = workspace.jobs?.find(one => one.id === id);
    return job ? <Coming job={job} /> : <ErrorNote error={error} />;
  }
  return (
    <PageFrame
      title={trans.__('%1 against %2', found.candidate, found.base)}
      facts={factsOf(found)}
      actions={<Actions found={found} />}
    >
      <ErrorNote error={error} />
      <Part title={trans.__('Findings')}>
        <LiveReport found={found} />
      </Part>
    </PageFrame>
  );
}

/** One whose job has not begun to write, or never came so far. */
function Coming({ job }: { job: Job }): JSX.Element {
  const trans = useTrans();
  return (
    <PageFrame title={job.title}>
      <Missing text={jobStateText(job, trans)} />
      <ErrorNote error={job.error} />
    </PageFrame>
  );
}

function Actions({ found: { id, service, job } }: { found: Experiment }): JSX.Element {
  const trans = useTrans();
  const openPage = useOpenPage();
  return (
    <>
      <ReportDownload id={id} />
      {openPage && service && (
        <PageButton
          text={trans.__('Service')}
          label={trans.__('Open the service %1', service)}
          onClick={() => {
            openPage({ page: 'service', name: service });
          }}
        />
      )}
      {openPage && job && (
        <PageButton
          text={trans.__('Job')}
          label={trans.__('Open the page of its job')}
          onClick={() => {
            openPage({ page: 'job', id: job });
          }}
        />
      )}
    </>
  );
}

function factsOf({
  service,
  owner,
  created_at: from,
  updated_at: to,
  ends_at: end
}: Experiment): string {
  const times = [from, to ?? end].flatMap(at => (at ? [formatTime(at)] : []));
  return [service, owner, times.join(' – ')].filter(Boolean).join(' · ');
}
