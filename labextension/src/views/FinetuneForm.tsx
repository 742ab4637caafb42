import { useEffect, useId, useState, type JSX } from 'react';
import { asApiError, type ApiError } from '../core/errors';
import { asOptions, type OptionField } from '../core/optionFields';
import type { Dataset, Version } from '../core/types';
import { useApi, useTrans } from './contexts';
import { ErrorNote } from './ErrorNote';
import { OptionInput } from './OptionInput';
import { useAction } from './useAction';

const COMMON = ['method', 'epochs', 'batch_size', 'learning_rate'];

/** Starts to fine-tune a version on a dataset; the options, their ranges and their help are those of the API. */
export function FinetuneForm({
  version,
  onStarted
}: {
  version: Version;
  onStarted: () => void;
}): JSX.Element {
  const api = useApi();
  const trans = useTrans();
  const id = useId();
  const [datasets, setDatasets] = useState<Dataset[] | null>(null);
  const [fields, setFields] = useState<OptionField[]>([]);
  const [missing, setMissing] = useState<ApiError | null>(null);
  const [dataset, setDataset] = useState('');
  const [name, setName] = useState('');
  const [typed, setTyped] = useState<Record<string, string | boolean>>({});
  const start = useAction(async () => {
    await api.finetune({
      base: version.ref,
      dataset,
      name: name.trim(),
      options: asOptions(fields, typed)
    });
    onStarted();
  });

  useEffect(() => {
    let gone = false;
    Promise.all([api.datasets(), api.finetuneFields()])
      .then(([found, options]) => {
        if (!gone) {
          setDatasets(found);
          setFields(options);
        }
      })
      .catch((thrown: unknown) => {
        if (!gone) {
          setMissing(asApiError(thrown));
        }
      });
    return () => {
      gone = true;
    };
  }, [api]);

  const inputs = (common: boolean) =>
    fields
      .filter(field => COMMON.includes(field.name) === common)
      .map(field => (
        <OptionInput
          key={field.name}
          field={field}
          value={typed[field.name]}
          onChange={value => {
            setTyped({ ...typed, [field.name]: value });
          }}
        />
      ));
  return (
    <form
      className="jp-ModelDeploy-form"
      aria-label={trans.__('Fine-tune %1', version.ref)}
      onSubmit={event => {
        event.preventDefault();
        start.run();
      }}
    >
      <label htmlFor={`${id}-dataset`}>{trans.__('Dataset')}</label>
      <select
        id={`${id}-dataset`}
        value={dataset}
        required
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
      <label htmlFor={`${id}-name`}>{trans.__('Name')}</label>
      <input
        id={`${id}-name`}
        value={name}
        required
        spellCheck={false}
        placeholder={trans.__('of the new model')}
        pattern="[A-Za-z0-9][A-Za-z0-9._\-]{0,63}"
        title={trans.__('Letters, digits, ".", "_" and "-"; at most 64')}
        onChange={event => {
          setName(event.target.value);
        }}
      />
      {inputs(true)}
      <details className="jp-ModelDeploy-more">
        <summary>{trans.__('More')}</summary>
        <div className="jp-ModelDeploy-fields">{inputs(false)}</div>
      </details>
      <button
        type="submit"
        className="jp-ModelDeploy-button jp-ModelDeploy-accept"
        disabled={start.busy || datasets === null}
      >
        {trans.__('Fine-tune')}
      </button>
      <ErrorNote error={start.error ?? missing} />
    </form>
  );
}
