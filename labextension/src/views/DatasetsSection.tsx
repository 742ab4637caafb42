import type { JSX } from 'react';
import type { Dataset } from '../core/types';
import { useTrans } from './contexts';
import { DatasetItem } from './DatasetItem';
import { Section } from './Section';

/** The latest version of each dataset; nothing while there is none. */
export function DatasetsSection({
  datasets
}: {
  datasets: readonly Dataset[] | null;
}): JSX.Element | null {
  const trans = useTrans();
  const latest = new Map(datasets?.map(dataset => [dataset.name, dataset]));
  if (latest.size === 0) {
    return null;
  }
  return (
    <Section title={trans.__('Datasets')} count={latest.size}>
      <ul role="list" aria-label={trans.__('Datasets')}>
        {[...latest.values()].map(dataset => (
          <DatasetItem key={dataset.name} dataset={dataset} />
        ))}
      </ul>
    </Section>
  );
}
