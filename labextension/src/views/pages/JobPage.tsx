import type { JSX } from 'react';
import type { Workspace } from '../../core/live';
import { useTrans } from '../contexts';
import { JobItem } from '../JobItem';
import { Missing } from './Missing';
import { PageFrame } from './PageFrame';

/** One job as it runs, and what came of it. */
export function JobPage({
  id,
  workspace
}: {
  id: string;
  workspace: Workspace;
}): JSX.Element | null {
  const trans = useTrans();
  const job = workspace.jobs?.find(one => one.id === id);
  if (!job) {
    return workspace.jobs && <Missing text={trans.__('There is no job %1.', id)} />;
  }
  return (
    <PageFrame title={job.title}>
      <ul role="list">
        <JobItem job={job} />
      </ul>
    </PageFrame>
  );
}
