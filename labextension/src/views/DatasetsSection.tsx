import type { JSX } from 'react';
import type { Dataset } from '../core/types';
import { useTrans } from './contexts';
import { DatasetItem } from './DatasetItem';
import { GrowingList } from './GrowingList';
import { Section } from './Section';
import { useFilter } from './useFilter';

/** The latest version of each dataset; nothing while there is none. */
export function DatasetsSection({
  datasets
}: {
  datasets: readonly Dataset[] | null;
}): JSX.Element | null {
  const trans = useTrans();
  const latest = new Map(datasets?.map(dataset => [dataset.name, dataset]));
  const [matching, filter] = useFilter([...latest.values()], textOf);
  if (latest.size === 0) {
    return null;
  }
  return (
    <Section title={trans.__('Datasets')} count={latest.size} filter={filter}>
      <GrowingList label={trans.__('Datasets')} items={matching}>
        {dataset => <DatasetItem key={dataset.name} dataset={dataset} />}
      </GrowingList>
    </Section>
  );
}

function textOf({ name, task }: Dataset): string {
  return `${name} ${task}`;
}
