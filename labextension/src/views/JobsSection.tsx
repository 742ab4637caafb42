import type { JSX } from 'react';
import type { Job } from '../core/types';
import { useTrans } from './contexts';
import { JobItem } from './JobItem';
import { Section } from './Section';

export function JobsSection({ jobs }: { jobs: readonly Job[] | null }): JSX.Element {
  const trans = useTrans();
  return (
    <Section title={trans.__('Jobs')} count={jobs?.length ?? null}>
      {jobs?.length === 0 && (
        <p className="jp-ModelDeploy-empty">
          {trans.__(
            'Nothing at work. Fetching, fine-tuning, converting and quantizing show up here.'
          )}
        </p>
      )}
      <ul role="list" aria-label={trans.__('Jobs')}>
        {jobs?.map(job => (
          <JobItem key={job.id} job={job} />
        ))}
      </ul>
    </Section>
  );
}
