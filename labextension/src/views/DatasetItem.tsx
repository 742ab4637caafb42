import { useId, useState, type JSX } from 'react';
import type { Dataset } from '../core/types';
import { useTrans } from './contexts';
import { DataReport } from './DataReport';
import { FinetuneForm } from './FinetuneForm';
import { formatCount } from './format';
import { UnfoldingRow } from './UnfoldingRow';

/** A dataset with its task and size; unfolds to the report on what was found in it. */
export function DatasetItem({ dataset }: { dataset: Dataset }): JSX.Element {
  const trans = useTrans();
  const [open, setOpen] = useState(false);
  const [tuning, setTuning] = useState(false);
  const id = useId();
  const ref = `${dataset.name}@${dataset.number}`;
  const warnings = dataset.report?.warnings.length ?? 0;
  return (
    <li className="jp-ModelDeploy-item">
      <UnfoldingRow
        name={dataset.name}
        size={trans._n('%2 row', '%2 rows', dataset.rows, formatCount(dataset.rows))}
        facts={
          <>
            <span>{`${dataset.task} · @${dataset.number}`}</span>
            {warnings > 0 && (
              <span>{trans._n('%1 warning', '%1 warnings', warnings, warnings)}</span>
            )}
          </>
        }
        open={open}
        controls={id}
        address={{ page: 'dataset', name: ref }}
        onToggle={() => {
          setOpen(!open);
        }}
      />
      <div id={id} className="jp-ModelDeploy-report" hidden={!open}>
        {open && (
          <button
            type="button"
            className="jp-ModelDeploy-button"
            aria-expanded={tuning}
            onClick={() => {
              setTuning(!tuning);
            }}
          >
            {trans.__('Fine-tune a model on it')}
          </button>
        )}
        {open && tuning && (
          <FinetuneForm
            dataset={ref}
            onStarted={() => {
              setTuning(false);
            }}
          />
        )}
        {open && <DataReport dataset={dataset} />}
      </div>
    </li>
  );
}
