import { useId, useState, type JSX } from 'react';
import type { Dataset } from '../core/types';
import { useTrans } from './contexts';
import { DataReport } from './DataReport';
import { FinetuneForm } from './FinetuneForm';
import { formatCount } from './format';
import { Icon } from './Icon';
import { OpenPageButton } from './OpenPageButton';

/** A dataset with its task and size; unfolds to the report on what was found in it. */
export function DatasetItem({ dataset }: { dataset: Dataset }): JSX.Element {
  const trans = useTrans();
  const [open, setOpen] = useState(false);
  const [tuning, setTuning] = useState(false);
  const id = useId();
  const warnings = dataset.report?.warnings.length ?? 0;
  return (
    <li className="jp-ModelDeploy-item">
      <div className="jp-ModelDeploy-rowLine">
        <button
          type="button"
          className="jp-ModelDeploy-row"
          aria-expanded={open}
          aria-labelledby={`${id}-name`}
          aria-describedby={`${id}-size ${id}-facts`}
          aria-controls={`${id}-report`}
          onClick={() => {
            setOpen(!open);
          }}
        >
          <Icon name="caret" />
          <span className="jp-ModelDeploy-rowText">
            <span className="jp-ModelDeploy-line">
              <span id={`${id}-name`} className="jp-ModelDeploy-name">
                {dataset.name}
              </span>
              <span id={`${id}-size`} className="jp-ModelDeploy-detail">
                {trans._n('%2 row', '%2 rows', dataset.rows, formatCount(dataset.rows))}
              </span>
            </span>
            <span id={`${id}-facts`} className="jp-ModelDeploy-line jp-ModelDeploy-detail">
              <span>{`${dataset.task} · @${dataset.number}`}</span>
              {warnings > 0 && (
                <span>{trans._n('%1 warning', '%1 warnings', warnings, warnings)}</span>
              )}
            </span>
          </span>
        </button>
        <OpenPageButton
          address={{ page: 'dataset', name: `${dataset.name}@${dataset.number}` }}
          label={trans.__('Open the page of %1', `${dataset.name}@${dataset.number}`)}
        />
      </div>
      <div id={`${id}-report`} className="jp-ModelDeploy-report" hidden={!open}>
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
            dataset={`${dataset.name}@${dataset.number}`}
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
