import { useId, useState, type JSX } from 'react';
import type { Model } from '../core/types';
import { useTrans } from './contexts';
import { formatBytes } from './format';
import { Icon } from './Icon';
import { OpenPageButton } from './OpenPageButton';
import { Score } from './Score';
import { VersionItem } from './VersionItem';

/** A model with what its latest version is; unfolds to all versions, the latest first. */
export function ModelItem({ model }: { model: Model }): JSX.Element {
  const trans = useTrans();
  const [open, setOpen] = useState(false);
  const [drawn, setDrawn] = useState(false);
  const id = useId();
  const latest = model.versions.find(version => version.number === model.latest);
  const newestFirst = [...model.versions].sort((a, b) => b.number - a.number);
  return (
    <li className="jp-ModelDeploy-item" data-model={model.name}>
      <div className="jp-ModelDeploy-rowLine">
        <button
          type="button"
          className="jp-ModelDeploy-row"
          aria-expanded={open}
          aria-labelledby={`${id}-name`}
          aria-describedby={`${id}-size ${id}-facts`}
          aria-controls={`${id}-versions`}
          title={model.description || undefined}
          onClick={() => {
            setOpen(!open);
            setDrawn(true);
          }}
        >
          <Icon name="caret" />
          <span className="jp-ModelDeploy-rowText">
            <span className="jp-ModelDeploy-line">
              <span id={`${id}-name`} className="jp-ModelDeploy-name">
                {model.name}
              </span>
              {latest && (
                <span id={`${id}-size`} className="jp-ModelDeploy-detail">
                  {formatBytes(latest.size_bytes)}
                </span>
              )}
            </span>
            <span id={`${id}-facts`} className="jp-ModelDeploy-line jp-ModelDeploy-detail">
              <span>
                {latest
                  ? `${model.task} · @${latest.number}`
                  : trans.__('%1, no version yet', model.task)}
              </span>
              {latest && <Score metrics={latest.metrics} />}
            </span>
          </span>
        </button>
        <OpenPageButton
          address={{ page: 'model', name: model.name }}
          label={trans.__('Open the page of %1', model.name)}
        />
      </div>
      <ul
        id={`${id}-versions`}
        role="list"
        aria-label={trans.__('Versions of %1', model.name)}
        hidden={!open}
      >
        {drawn &&
          newestFirst.map(version => (
            <VersionItem
              key={version.number}
              version={version}
              aliases={aliasesOf(model, version.number)}
            />
          ))}
      </ul>
    </li>
  );
}

function aliasesOf(model: Model, number: number): string[] {
  return Object.entries(model.aliases)
    .filter(([, aliased]) => aliased === number)
    .map(([alias]) => alias);
}
