import type { JSX } from 'react';
import type { Workspace } from '../../core/live';
import type { Dataset, Version } from '../../core/types';
import { useOpenPage, useTrans } from '../contexts';
import { DataReport } from '../DataReport';
import { Missing } from './Missing';
import { PageButton } from './PageButton';
import { PageFrame } from './PageFrame';
import { Part } from './Part';

/** The report on a dataset and what was made with it. `name` is `reviews@2`; `reviews` is its latest. */
export function DatasetPage({
  name,
  workspace
}: {
  name: string;
  workspace: Workspace;
}): JSX.Element | null {
  const trans = useTrans();
  const { datasets, models } = workspace;
  const [dataset] = (datasets ?? [])
    .filter(one => [one.name, refOf(one)].includes(name))
    .sort((a, b) => b.number - a.number);
  if (!datasets || !dataset) {
    return datasets && <Missing text={trans.__('There is no dataset %1.', name)} />;
  }
  const made = (models ?? [])
    .flatMap(model => model.versions)
    .filter(({ lineage }) => lineage.dataset === refOf(dataset));
  return <Known dataset={dataset} made={made} />;
}

function Known({ dataset, made }: { dataset: Dataset; made: Version[] }): JSX.Element {
  const trans = useTrans();
  const openPage = useOpenPage();
  const ref = refOf(dataset);
  const rows = trans._n('%2 row', '%2 rows', dataset.rows, dataset.rows.toLocaleString());
  return (
    <PageFrame
      title={ref}
      facts={`${dataset.task} · ${rows}`}
      actions={
        openPage && (
          <PageButton
            text={trans.__('Fine-tune…')}
            label={trans.__('Fine-tune on %1', ref)}
            main
            onClick={() => {
              openPage({ page: 'finetune', dataset: ref });
            }}
          />
        )
      }
    >
      <Part title={trans.__('Data')}>
        <DataReport dataset={dataset} />
      </Part>
      {made.length > 0 && (
        <Part title={trans.__('Made with it')}>
          <ul
            className="jp-ModelDeploy-links"
            role="list"
            aria-label={trans.__('Versions made with %1', ref)}
          >
            {made.map(version => (
              <li key={version.ref}>
                {openPage ? (
                  <button
                    type="button"
                    className="jp-ModelDeploy-textLink"
                    onClick={() => {
                      openPage({ page: 'model', name: version.model });
                    }}
                  >
                    {version.ref}
                  </button>
                ) : (
                  version.ref
                )}
              </li>
            ))}
          </ul>
        </Part>
      )}
    </PageFrame>
  );
}

function refOf({ name, number }: Dataset): string {
  return `${name}@${number}`;
}
