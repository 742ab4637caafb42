import { useState, type JSX } from 'react';
import type { Version } from '../../core/types';
import { useApi, useTrans } from '../contexts';
import { ErrorNote } from '../ErrorNote';
import { TextField } from '../TextField';
import { useAction } from '../useAction';

/** Says that a version should not be used for anything new, why, and what to use instead; or takes that back. */
export function DeprecateForm({
  version,
  versions
}: {
  version: Version;
  versions: readonly Version[];
}): JSX.Element {
  const api = useApi();
  const trans = useTrans();
  const { ref, deprecated } = version;
  const [reason, setReason] = useState('');
  const [successor, setSuccessor] = useState('');
  const deprecate = useAction(() => api.deprecate(ref, reason, successor));
  const undeprecate = useAction(() => api.undeprecate(ref));
  if (deprecated) {
    return (
      <div className="jp-ModelDeploy-form">
        <p>{trans.__('%1 deprecated it: %2', deprecated.by, deprecated.reason)}</p>
        {deprecated.successor && <p>{trans.__('Use %1 instead', deprecated.successor)}</p>}
        <button
          type="button"
          className="jp-ModelDeploy-button"
          disabled={undeprecate.busy}
          onClick={undeprecate.run}
        >
          {trans.__('It may be used again')}
        </button>
        <ErrorNote error={undeprecate.error} />
      </div>
    );
  }
  return (
    <form
      className="jp-ModelDeploy-form"
      aria-label={trans.__('Deprecate %1', ref)}
      onSubmit={event => {
        event.preventDefault();
        deprecate.run();
      }}
    >
      <TextField
        label={trans.__('Why it should not be used for anything new')}
        required
        value={reason}
        onChange={setReason}
      />
      <label className="jp-ModelDeploy-field">
        {trans.__('Use instead')}
        <select
          value={successor}
          onChange={event => {
            setSuccessor(event.target.value);
          }}
        >
          <option value="">{trans.__('Nothing in particular')}</option>
          {versions
            .filter(one => one.ref !== ref)
            .map(one => (
              <option key={one.ref}>{one.ref}</option>
            ))}
        </select>
      </label>
      <button
        type="submit"
        className="jp-ModelDeploy-button jp-ModelDeploy-warn"
        disabled={deprecate.busy}
      >
        {trans.__('Deprecate')}
      </button>
      <ErrorNote error={deprecate.error} />
    </form>
  );
}
