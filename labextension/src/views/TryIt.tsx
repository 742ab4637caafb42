import { useState, type JSX } from 'react';
import { ApiError } from '../core/errors';
import type { Translation } from '../core/translation';
import type { Answer, Service, Usage } from '../core/types';
import { useApi, useTrans } from './contexts';
import { ErrorNote } from './ErrorNote';
import { Prediction } from './Prediction';
import { TryImage } from './TryImage';
import { TryText } from './TryText';
import { useAction } from './useAction';
import { useAnswer } from './useAnswer';

/** Sends one request to a service, as its model takes it: a text, an image, or JSON in its task's words. */
export function TryIt({ service }: { service: Service }): JSX.Element {
  const api = useApi();
  const trans = useTrans();
  const { name, revision } = service;
  const { answer: models, error } = useAnswer(`${name} ${revision}`, () => api.usage(name));
  const [chosen, setChosen] = useState('');
  const model = models?.find(one => one.model === chosen) ?? models?.[0];
  return (
    <>
      {models && models.length > 1 && (
        <select
          aria-label={trans.__('Model')}
          value={model?.model}
          onChange={event => {
            setChosen(event.target.value);
          }}
        >
          {models.map(one => (
            <option key={one.model}>{one.model}</option>
          ))}
        </select>
      )}
      {model && <Trial key={model.model} service={name} model={model} />}
      <ErrorNote error={error} />
    </>
  );
}

function Trial({ service, model }: { service: string; model: Usage }): JSX.Element {
  const api = useApi();
  const trans = useTrans();
  const [input, setInput] = useState(() => exampleOf(model));
  const [answered, setAnswered] = useState<{ answer: Answer; input: string } | null>(null);
  const ask = useAction(async () => {
    setAnswered(null);
    const answer = await api.predict(service, model.model, bodyOf(model, input, trans));
    setAnswered({ answer, input });
  });
  // Boxes of one image are none of another.
  const fits = model.takes !== 'image' || answered?.input === input;
  const answer = fits && answered ? answered.answer : null;
  return (
    <form
      className="jp-ModelDeploy-form"
      aria-label={trans.__('Try %1', service)}
      onSubmit={event => {
        event.preventDefault();
        ask.run();
      }}
    >
      {model.takes === 'image' ? (
        <TryImage value={input} answer={answer} onChange={setInput} />
      ) : (
        <TryText model={model} value={input} onChange={setInput} />
      )}
      <button
        type="submit"
        className="jp-ModelDeploy-button jp-ModelDeploy-accept"
        disabled={ask.busy || input === ''}
      >
        {trans.__('Predict')}
      </button>
      <ErrorNote error={ask.error} />
      {answer && <Prediction answer={answer} />}
    </form>
  );
}

/** What stands in the box at first: JSON to be changed, since nobody knows its shape by heart. */
function exampleOf({ takes, example }: Usage): string {
  return takes === 'json' ? JSON.stringify(example) : '';
}

/** The input in the words of the model's task; what is wrong with it is shown like an error of the server's. */
function bodyOf({ takes }: Usage, input: string, trans: Translation): unknown {
  switch (takes) {
    case 'text':
      return { text: input };
    case 'image':
      return { image: input };
    case 'json':
      return asJson(input, trans);
  }
}

function asJson(text: string, trans: Translation): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ApiError(0, 'not_json', trans.__('The input is not JSON: %1', reason), '');
  }
}
