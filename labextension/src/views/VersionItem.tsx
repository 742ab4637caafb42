import type { JSX } from 'react';
import type { Version } from '../core/types';
import { formatBytes } from './format';
import { Score } from './Score';

/** One version: how it was made, in which format, how large and how good it is. */
export function VersionItem({
  version,
  aliases
}: {
  version: Version;
  aliases: string[];
}): JSX.Element {
  const origin = version.lineage.parent ?? version.lineage.source;
  return (
    <li className="jp-ModelDeploy-version" title={origin ?? undefined}>
      <span className="jp-ModelDeploy-line">
        <span>
          {version.ref}
          {aliases.map(alias => (
            <span key={alias} className="jp-ModelDeploy-tag">
              {alias}
            </span>
          ))}
        </span>
        <span className="jp-ModelDeploy-detail">{formatBytes(version.size_bytes)}</span>
      </span>
      <span className="jp-ModelDeploy-line jp-ModelDeploy-detail">
        <span>{`${version.lineage.step} · ${version.format}`}</span>
        <Score metrics={version.metrics} />
      </span>
    </li>
  );
}
