import { useId, useState, type JSX } from 'react';
import type { FoundModel } from '../core/types';
import { useApi, usePreferences, useTrans } from './contexts';
import { ErrorNote } from './ErrorNote';
import { formatCount } from './format';
import { useAction } from './useAction';

const HUBS = [
  ['hf', 'Hugging Face'],
  ['ms', 'ModelScope']
] as const;

/** Searches a hub; a model that is chosen is handed on by its reference. */
export function HubSearch({ onChoose }: { onChoose: (source: string) => void }): JSX.Element {
  const api = useApi();
  const trans = useTrans();
  const id = useId();
  const [hub, setHub] = useState(usePreferences().hub);
  const [query, setQuery] = useState('');
  const [found, setFound] = useState<{ hub: string; models: FoundModel[] } | null>(null);
  const search = useAction(async () => {
    setFound(null);
    setFound({ hub, models: await api.searchModels(hub, query.trim()) });
  });
  return (
    <form
      role="search"
      className="jp-ModelDeploy-form"
      aria-label={trans.__('Search a hub')}
      onSubmit={event => {
        event.preventDefault();
        search.run();
      }}
    >
      <select
        aria-label={trans.__('Hub')}
        value={hub}
        onChange={event => {
          setHub(event.target.value);
        }}
      >
        {HUBS.map(([scheme, name]) => (
          <option key={scheme} value={scheme}>
            {name}
          </option>
        ))}
      </select>
      <input
        id={`${id}-query`}
        type="search"
        aria-label={trans.__('Words to search for')}
        value={query}
        required
        spellCheck={false}
        placeholder={trans.__('Search models')}
        onChange={event => {
          setQuery(event.target.value);
        }}
      />
      <button type="submit" className="jp-ModelDeploy-button" disabled={search.busy}>
        {trans.__('Search')}
      </button>
      <ErrorNote error={search.error} />
      {found?.hub === hub && (
        <ul
          role="list"
          className="jp-ModelDeploy-found"
          aria-live="polite"
          aria-label={trans.__('Found models')}
        >
          {found.models.length === 0 && <li>{trans.__('Nothing was found. Try fewer words.')}</li>}
          {found.models.map(model => (
            <li key={model.source}>
              <Found model={model} onChoose={onChoose} />
            </li>
          ))}
        </ul>
      )}
    </form>
  );
}

function Found({
  model,
  onChoose
}: {
  model: FoundModel;
  onChoose: (source: string) => void;
}): JSX.Element {
  const trans = useTrans();
  const facts = [
    model.task,
    model.downloads === null ? null : trans.__('%1 downloads', formatCount(model.downloads)),
    model.license,
    model.gated ? trans.__('access on request') : null
  ];
  return (
    <button
      type="button"
      title={trans.__('Fill in %1', model.source)}
      onClick={() => {
        onChoose(model.source);
      }}
    >
      <span className="jp-ModelDeploy-name">{model.source.replace(/^\w+:/, '')}</span>
      <span className="jp-ModelDeploy-detail">{facts.filter(fact => fact).join(' · ')}</span>
    </button>
  );
}
