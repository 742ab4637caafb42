import { useState, type JSX } from 'react';
import { isQuarantined } from '../../core/safety';
import type { Version } from '../../core/types';
import { useApi, useTrans } from '../contexts';
import { ErrorNote } from '../ErrorNote';
import { useAction } from '../useAction';

/** What was found unsafe in a version's files, and who trusts it in spite of that; asks why before it is trusted. */
export function Safety({ version }: { version: Version }): JSX.Element {
  const api = useApi();
  const trans = useTrans();
  const [reason, setReason] = useState('');
  const trust = useAction(() => api.trust(version.ref, reason.trim()));
  const distrust = useAction(() => api.distrust(version.ref));
  const findings = version.verdict?.findings ?? [];
  const trusted = version.verdict?.trusted;
  if (findings.length === 0) {
    return <p>{version.verdict ? trans.__('Nothing was found.') : trans.__('Made here.')}</p>;
  }
  return (
    <>
      <ul role="list" aria-label={trans.__('Found in %1', version.ref)}>
        {findings.map(({ file, message, dangerous }) => (
          <li key={`${file} ${message}`} data-dangerous={dangerous || undefined}>
            <code>{file}</code> {message}
          </li>
        ))}
      </ul>
      {trusted && (
        <p>
          {trans.__('%1 trusts it: %2', trusted.by, trusted.reason)}{' '}
          <button
            type="button"
            className="jp-ModelDeploy-button"
            disabled={distrust.busy}
            onClick={distrust.run}
          >
            {trans.__('Put into quarantine again')}
          </button>
        </p>
      )}
      {isQuarantined(version) && (
        <form
          className="jp-ModelDeploy-form"
          aria-label={trans.__('Trust %1', version.ref)}
          onSubmit={event => {
            event.preventDefault();
            trust.run();
          }}
        >
          <label className="jp-ModelDeploy-field">
            {trans.__('Nothing loads it. To load it, say why you trust it:')}
            <input
              value={reason}
              required
              onChange={event => {
                setReason(event.target.value);
              }}
            />
          </label>
          <button
            type="submit"
            className="jp-ModelDeploy-button jp-ModelDeploy-warn"
            disabled={trust.busy}
          >
            {trans.__('Trust it')}
          </button>
        </form>
      )}
      <ErrorNote error={trust.error ?? distrust.error} />
    </>
  );
}
