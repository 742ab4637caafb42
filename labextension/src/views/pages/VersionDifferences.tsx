import { useState, type JSX } from 'react';
import type { Version } from '../../core/types';
import { useApi, useTrans } from '../contexts';
import { ErrorNote } from '../ErrorNote';
import { useAnswer } from '../useAnswer';
import { DiffResult } from './DiffResult';

/** What changes from another version of the model to this one; from its parent unless another is chosen. */
export function VersionDifferences({
  version,
  versions
}: {
  version: Version;
  versions: readonly Version[];
}): JSX.Element {
  const trans = useTrans();
  const others = versions.filter(({ ref }) => ref !== version.ref);
  const nearest =
    others.find(({ ref }) => ref === version.lineage.parent) ??
    others.filter(({ number }) => number < version.number).at(-1) ??
    others[0];
  const [before, setBefore] = useState(nearest?.ref ?? '');
  const [shown, setShown] = useState(false);
  return (
    <details
      onToggle={event => {
        setShown(event.currentTarget.open);
      }}
    >
      <summary>{trans.__('What changes with %1', version.ref)}</summary>
      <label className="jp-ModelDeploy-field">
        {trans.__('Compared with')}
        <select
          value={before}
          onChange={event => {
            setBefore(event.target.value);
          }}
        >
          {others.map(({ ref }) => (
            <option key={ref}>{ref}</option>
          ))}
        </select>
      </label>
      {shown && <Between key={before} before={before} after={version.ref} />}
    </details>
  );
}

function Between({ before, after }: { before: string; after: string }): JSX.Element {
  const api = useApi();
  const { answer, error } = useAnswer(`${before} ${after}`, () => api.diff(before, after));
  return (
    <>
      {answer && <DiffResult diff={answer} />}
      <ErrorNote error={error} />
    </>
  );
}
