import { useId, useState, type JSX } from 'react';
import { ApiError } from '../core/errors';
import type { Translation } from '../core/translation';
import type { Answer, Service } from '../core/types';
import { useApi, useTrans } from './contexts';
import { ErrorNote } from './ErrorNote';
import { Prediction } from './Prediction';
import { useAction } from './useAction';

const TEXT_TASKS = ['text-classification', 'feature-extraction'];

const JSON_EXAMPLE = '{"inputs": {"x": [[0, 1]]}}';

/** Sends one request to a service: plain text where the model takes text, else JSON in its task's words. */
export function TryIt({
  service,
  tasks
}: {
  service: Service;
  tasks: Map<string, string>;
}): JSX.Element {
  const api = useApi();
  const trans = useTrans();
  const id = useId();
  const served = service.spec.models.map(one => one.model);
  const [model, setModel] = useState(served[0] ?? '');
  const [input, setInput] = useState('');
  const [answer, setAnswer] = useState<Answer | null>(null);
  const takesText = TEXT_TASKS.includes(tasks.get(model) ?? '');
  const ask = useAction(async () => {
    setAnswer(null);
    setAnswer(
      await api.predict(service.name, model, takesText ? { text: input } : asJson(input, trans))
    );
  });

  return (
    <form
      className="jp-ModelDeploy-form"
      aria-label={trans.__('Try %1', service.name)}
      onSubmit={event => {
        event.preventDefault();
        ask.run();
      }}
    >
      {served.length > 1 && (
        <select
          aria-label={trans.__('Model')}
          value={model}
          onChange={event => {
            setModel(event.target.value);
          }}
        >
          {served.map(name => (
            <option key={name}>{name}</option>
          ))}
        </select>
      )}
      <label htmlFor={id}>{takesText ? trans.__('Text') : trans.__('Request as JSON')}</label>
      <textarea
        id={id}
        rows={2}
        required
        value={input}
        spellCheck={takesText}
        placeholder={takesText ? trans.__('What a lovely film!') : JSON_EXAMPLE}
        onChange={event => {
          setInput(event.target.value);
        }}
        onKeyDown={event => {
          if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
            event.currentTarget.form?.requestSubmit();
          }
        }}
      />
      <button
        type="submit"
        className="jp-ModelDeploy-button jp-ModelDeploy-accept"
        disabled={ask.busy}
      >
        {trans.__('Predict')}
      </button>
      <ErrorNote error={ask.error} />
      {answer && <Prediction answer={answer} />}
    </form>
  );
}

/** The input as JSON; what is wrong with it is shown like an error of the server's. */
function asJson(text: string, trans: Translation): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ApiError(0, 'not_json', trans.__('The input is not JSON: %1', reason), '');
  }
}
