import { useEffect, useId, useRef, useState, type FormEvent, type JSX } from 'react';
import { asApiError, type ApiError } from '../core/errors';
import { insist } from '../core/insisting';
import {
  asOptions,
  matters,
  misfitOf,
  optionFields,
  type OptionField,
  type TypedValue
} from '../core/optionFields';
import type { Dataset, Job } from '../core/types';
import { AsCode } from './AsCode';
import { useApi, useTrans } from './contexts';
import { ErrorNote } from './ErrorNote';
import { FinetuneBase } from './FinetuneBase';
import { formatBytes } from './format';
import { OptionInput } from './OptionInput';
import { useAction } from './useAction';
import { useFinetuneChoices } from './useFinetuneChoices';

const COMMON = ['method', 'epochs', 'batch_size', 'learning_rate'];
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** Starts to fine-tune a version on a dataset, of which one is given and the other is asked for. The options, their
 * ranges and their help are those of the API; those are asked for that mean something for the dataset's task. */
export function FinetuneForm({
  base: givenBase = '',
  dataset: givenDataset = '',
  onStarted
}: {
  base?: string;
  dataset?: string;
  onStarted: (job: Job) => void;
}): JSX.Element {
  const api = useApi();
  const trans = useTrans();
  const id = useId();
  const form = useRef<HTMLFormElement>(null);
  const [datasets, setDatasets] = useState<Dataset[] | null>(null);
  const [fields, setFields] = useState<OptionField[]>([]);
  const [missing, setMissing] = useState<ApiError | null>(null);
  const [dataset, setDataset] = useState(givenDataset);
  const [base, setBase] = useState(givenBase);
  const [name, setName] = useState('');
  const [reuse, setReuse] = useState(false);
  const [typed, setTyped] = useState<Record<string, TypedValue>>({});
  const [tried, setTried] = useState(false);
  const chosenMethod = typeof typed.method === 'string' ? typed.method : '';
  const { choices, error: unprepared } = useFinetuneChoices(dataset, base, chosenMethod);

  useEffect(() => {
    const leaving = new AbortController();
    insist(() => Promise.all([api.datasets(), api.options('FinetuneOptions')]), leaving.signal)
      .then(([found, options]) => {
        if (!leaving.signal.aborted) {
          setDatasets(found);
          setFields(optionFields(options));
        }
      })
      .catch((thrown: unknown) => {
        if (!leaving.signal.aborted) {
          setMissing(asApiError(thrown));
        }
      });
    return () => {
      leaving.abort();
    };
  }, [api]);

  const method = chosenMethod || choices?.defaults.method;
  const asked = fields
    .filter(field => matters(field, choices?.task, typeof method === 'string' ? method : undefined))
    .map(field => asSuits(field, choices?.defaults[field.name], choices?.methods));
  const request = { base, dataset, name: name.trim(), reuse, options: asOptions(asked, typed) };
  const start = useAction(async () => {
    onStarted(await api.finetune(request));
  });
  const badName = tried && !NAME.test(name.trim());
  const refusal = start.error ? `${start.error.message} ${start.error.hint}` : '';

  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setTried(true);
    const ready = dataset !== '' && base !== '' && NAME.test(name.trim());
    if (ready && asked.every(field => misfitOf(field, typed[field.name]) === null)) {
      start.run();
      return;
    }
    // After the form has been drawn with what is wrong.
    setTimeout(() => {
      const wrong = form.current?.querySelector<HTMLElement>('[aria-invalid]');
      wrong?.closest('details')?.setAttribute('open', '');
      wrong?.focus();
    });
  };
  const inputs = (common: boolean) =>
    asked
      .filter(field => COMMON.includes(field.name) === common)
      .map(field => (
        <OptionInput
          key={field.name}
          field={field}
          value={typed[field.name]}
          unset={choices ? trans.__('not set') : trans.__('by task')}
          refused={new RegExp(`\\b${field.name}\\b`).test(refusal)}
          onChange={value => {
            setTyped({ ...typed, [field.name]: value });
          }}
        />
      ));
  return (
    <form
      ref={form}
      className="jp-ModelDeploy-form"
      aria-label={
        givenBase ? trans.__('Fine-tune %1', givenBase) : trans.__('Fine-tune on %1', givenDataset)
      }
      noValidate
      onSubmit={submit}
    >
      <label htmlFor={`${id}-dataset`}>{trans.__('Dataset')}</label>
      <select
        id={`${id}-dataset`}
        value={dataset}
        required
        aria-invalid={(tried && dataset === '') || undefined}
        onChange={event => {
          setDataset(event.target.value);
        }}
      >
        <option value="">
          {datasets?.length === 0 ? trans.__('no datasets yet') : trans.__('choose one')}
        </option>
        {datasets?.map(({ name: of, number, task }) => (
          <option key={`${of}@${number}`} value={`${of}@${number}`}>
            {`${of}@${number} · ${task}`}
          </option>
        ))}
      </select>
      <FinetuneBase
        base={base}
        dataset={dataset}
        choices={choices}
        tried={tried}
        onChange={setBase}
      />
      <label htmlFor={`${id}-name`}>{trans.__('Name')}</label>
      <input
        id={`${id}-name`}
        value={name}
        required
        spellCheck={false}
        placeholder={trans.__('of the new model')}
        aria-invalid={badName || undefined}
        aria-describedby={badName ? `${id}-badName` : undefined}
        onChange={event => {
          setName(event.target.value);
        }}
      />
      {badName && (
        <span id={`${id}-badName`} className="jp-ModelDeploy-misfit" role="alert">
          {trans.__('Letters, digits, ".", "_" and "-"; at most 64')}
        </span>
      )}
      {inputs(true)}
      <details className="jp-ModelDeploy-more">
        <summary>{trans.__('More')}</summary>
        <div className="jp-ModelDeploy-fields">
          {inputs(false)}
          <label className="jp-ModelDeploy-check">
            <input
              type="checkbox"
              checked={reuse}
              onChange={event => {
                setReuse(event.target.checked);
              }}
            />
            {trans.__('take the version made from the same things, if there is one')}
          </label>
        </div>
      </details>
      {typeof choices?.memory_bytes === 'number' && (
        <p className="jp-ModelDeploy-hint">
          {trans.__(
            'Takes %1 of memory for weights, gradients and optimizer, and what the rows of a batch take.',
            formatBytes(choices.memory_bytes)
          )}
        </p>
      )}
      <button
        type="submit"
        className="jp-ModelDeploy-button jp-ModelDeploy-accept"
        disabled={start.busy || datasets === null}
      >
        {trans.__('Fine-tune')}
      </button>
      <ErrorNote error={start.error ?? missing ?? unprepared} />
      <AsCode operation="finetune_model" request={request} />
    </form>
  );
}

/** The option with what the task takes where nothing is said, and the methods that there are for it. */
function asSuits(field: OptionField, standard: unknown, methods?: string[]): OptionField {
  const known = typeof standard === 'string' || typeof standard === 'number' ? standard : null;
  return {
    ...field,
    standard: field.standard ?? known,
    choices: field.name === 'method' && methods ? methods : field.choices
  };
}
