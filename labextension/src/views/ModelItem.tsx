import { useId, useState, type JSX } from 'react';
import type { Model } from '../core/types';
import { useTrans } from './contexts';
import { formatBytes } from './format';
import { Score } from './Score';
import { UnfoldingRow } from './UnfoldingRow';
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
      <UnfoldingRow
        name={model.name}
        size={latest && formatBytes(latest.size_bytes)}
        facts={
          <>
            <span>
              {latest
                ? `${model.task} · @${latest.number}`
                : trans.__('%1, no version yet', model.task)}
            </span>
            {latest && <Score metrics={latest.metrics} />}
          </>
        }
        title={model.description || undefined}
        open={open}
        controls={id}
        address={{ page: 'model', name: model.name }}
        onToggle={() => {
          setOpen(!open);
          setDrawn(true);
        }}
      />
      <ul id={id} role="list" aria-label={trans.__('Versions of %1', model.name)} hidden={!open}>
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
