import { useState, type JSX } from 'react';
import type { Service } from '../../core/types';
import { useApi, useTrans } from '../contexts';
import { CopyButton } from '../CopyButton';
import { ErrorNote } from '../ErrorNote';
import { useAnswer } from '../useAnswer';

/** Code that calls a running service, in the language that is chosen. */
export function Snippets({ service }: { service: Service }): JSX.Element {
  const api = useApi();
  const trans = useTrans();
  const { name, revision } = service;
  const { answer, error } = useAnswer(`${name} ${revision}`, () => api.usage(name));
  const [chosen, setChosen] = useState('');
  const snippets = Object.entries(answer?.[0]?.snippets ?? {});
  const [language, code] = snippets.find(([one]) => one === chosen) ?? snippets[0] ?? ['', ''];
  return (
    <>
      {code && (
        <>
          <div className="jp-ModelDeploy-buttons">
            <select
              aria-label={trans.__('Language')}
              value={language}
              onChange={event => {
                setChosen(event.target.value);
              }}
            >
              {snippets.map(([one]) => (
                <option key={one}>{one}</option>
              ))}
            </select>
            <CopyButton text={code} label={trans.__('Copy the code')} />
          </div>
          <pre
            className="jp-ModelDeploy-log"
            role="region"
            tabIndex={0}
            aria-label={trans.__('Code that calls %1', name)}
          >
            {code}
          </pre>
        </>
      )}
      <ErrorNote error={error} />
    </>
  );
}
