import { useState, type JSX } from 'react';
import type { Job } from '../core/types';
import { useTrans } from './contexts';
import { JobItem } from './JobItem';
import { Section } from './Section';

/** How many ended jobs are shown until the others are asked for. */
const RECENT = 3;

export function JobsSection({ jobs }: { jobs: readonly Job[] | null }): JSX.Element {
  const trans = useTrans();
  const [all, setAll] = useState(false);
  const ids = new Set(jobs?.map(job => job.id));
  const own = jobs?.filter(job => job.parent === null || !ids.has(job.parent));
  const earlier = new Set(own?.filter(hasEnded).slice(RECENT));
  return (
    <Section title={trans.__('Jobs')} count={own?.length ?? null}>
      {own?.length === 0 && (
        <p className="jp-ModelDeploy-empty">
          {trans.__(
            'Nothing at work. Fetching, fine-tuning, converting and quantizing show up here.'
          )}
        </p>
      )}
      <ul role="list" aria-label={trans.__('Jobs')}>
        {own?.map(
          job =>
            (all || !earlier.has(job)) && (
              <JobItem
                key={job.id}
                job={job}
                parts={jobs?.filter(part => part.parent === job.id) ?? []}
              />
            )
        )}
      </ul>
      {earlier.size > 0 && (
        <button
          type="button"
          className="jp-ModelDeploy-more"
          onClick={() => {
            setAll(!all);
          }}
        >
          {all
            ? trans.__('Show recent jobs only')
            : trans._n('Show %1 earlier job', 'Show %1 earlier jobs', earlier.size, earlier.size)}
        </button>
      )}
    </Section>
  );
}

function hasEnded(job: Job): boolean {
  return job.state !== 'queued' && job.state !== 'running';
}
