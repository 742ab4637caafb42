import { useState, type JSX } from 'react';
import type { Dataset } from '../core/types';
import { AddDatasetForm } from './AddDatasetForm';
import { useTrans } from './contexts';
import { DatasetItem } from './DatasetItem';
import { GrowingList } from './GrowingList';
import { IconButton } from './IconButton';
import { Section } from './Section';
import { useFilter } from './useFilter';

/** The latest version of each dataset, and the way to add one. */
export function DatasetsSection({
  datasets
}: {
  datasets: readonly Dataset[] | null;
}): JSX.Element {
  const trans = useTrans();
  const [adding, setAdding] = useState(false);
  const latest = datasets && [...new Map(datasets.map(one => [one.name, one])).values()];
  const [matching, filter] = useFilter(latest, textOf);
  return (
    <Section
      title={trans.__('Datasets')}
      count={latest?.length ?? null}
      filter={filter}
      actions={
        <IconButton
          icon="add"
          label={trans.__('Add a dataset')}
          expanded={adding}
          onClick={() => {
            setAdding(!adding);
          }}
        />
      }
    >
      {latest?.length === 0 && !adding && (
        <p className="jp-ModelDeploy-empty">
          {trans.__('No datasets yet. Add labelled data with + to fine-tune and judge models.')}
        </p>
      )}
      {adding && (
        <AddDatasetForm
          onAdding={() => {
            setAdding(false);
          }}
        />
      )}
      <GrowingList label={trans.__('Datasets')} items={matching}>
        {dataset => <DatasetItem key={dataset.name} dataset={dataset} />}
      </GrowingList>
    </Section>
  );
}

function textOf({ name, task }: Dataset): string {
  return `${name} ${task}`;
}
