import { useId, useState, type JSX } from 'react';
import { isQuarantined } from '../core/safety';
import type { Model } from '../core/types';
import { useApi, useTrans } from './contexts';
import { ErrorNote } from './ErrorNote';
import { useAction } from './useAction';

/** Starts a service of a version, which is named as its model unless it is given another name. */
export function ServeForm({
  models,
  onServed
}: {
  models: readonly Model[];
  onServed: () => void;
}): JSX.Element {
  const api = useApi();
  const trans = useTrans();
  const id = useId();
  const [chosen, setChosen] = useState('');
  const [name, setName] = useState('');
  const versions = models
    .flatMap(model => [...model.versions].sort((a, b) => b.number - a.number))
    .filter(version => !isQuarantined(version));
  const version = versions.find(({ ref }) => ref === chosen) ?? versions[0];
  const serve = useAction(async () => {
    if (version) {
      await api.serve(name.trim() || version.model, version.model, version.number);
      onServed();
    }
  });
  if (!version) {
    return (
      <p className="jp-ModelDeploy-empty">
        {trans.__('There is no version to serve yet. Fetch a model first.')}
      </p>
    );
  }
  return (
    <form
      className="jp-ModelDeploy-form"
      aria-label={trans.__('Serve a version')}
      onSubmit={event => {
        event.preventDefault();
        serve.run();
      }}
    >
      <label htmlFor={`${id}-version`}>{trans.__('Version')}</label>
      <select
        id={`${id}-version`}
        value={version.ref}
        onChange={event => {
          setChosen(event.target.value);
        }}
      >
        {versions.map(({ ref }) => (
          <option key={ref}>{ref}</option>
        ))}
      </select>
      <label htmlFor={`${id}-name`}>{trans.__('Name of the service')}</label>
      <input
        id={`${id}-name`}
        value={name}
        spellCheck={false}
        placeholder={version.model}
        onChange={event => {
          setName(event.target.value);
        }}
      />
      <button
        type="submit"
        className="jp-ModelDeploy-button jp-ModelDeploy-accept"
        disabled={serve.busy}
      >
        {trans.__('Serve')}
      </button>
      <ErrorNote error={serve.error} />
    </form>
  );
}
