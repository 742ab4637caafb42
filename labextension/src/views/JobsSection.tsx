import { useState, type JSX } from 'react';
import { isLiving } from '../core/jobs';
import type { Job } from '../core/types';
import { usePreferences, useTrans } from './contexts';
import { GrowingList } from './GrowingList';
import { JobItem } from './JobItem';
import { Section } from './Section';
import { useFilter } from './useFilter';

/** The jobs at work and the last that ended; a filter looks through all of them. */
export function JobsSection({ jobs }: { jobs: readonly Job[] | null }): JSX.Element {
  const trans = useTrans();
  const { recentJobs } = usePreferences();
  const [all, setAll] = useState(false);
  const ids = new Set(jobs?.map(job => job.id));
  const own = jobs?.filter(job => job.parent === null || !ids.has(job.parent)) ?? null;
  const [matching, filter] = useFilter(own, textOf);
  const running = own?.filter(isLiving).length;
  const ended = matching.filter(job => !isLiving(job));
  const earlier = new Set(filter.text ? [] : ended.slice(recentJobs));
  return (
    <Section
      title={trans.__('Jobs')}
      count={own?.length ?? null}
      active={running ? trans._n('%1 at work', '%1 at work', running, running) : undefined}
      filter={filter}
    >
      {own?.length === 0 && (
        <p className="jp-ModelDeploy-empty">
          {trans.__(
            'Nothing at work. Fetching, fine-tuning, converting and quantizing show up here.'
          )}
        </p>
      )}
      <GrowingList
        label={trans.__('Jobs')}
        items={all ? matching : matching.filter(job => !earlier.has(job))}
      >
        {job => (
          <JobItem
            key={job.id}
            job={job}
            parts={jobs?.filter(part => part.parent === job.id) ?? []}
          />
        )}
      </GrowingList>
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

function textOf({ title, kind, state }: Job): string {
  return `${title} ${kind} ${state}`;
}
