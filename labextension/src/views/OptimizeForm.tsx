import { useId, useState, type JSX } from 'react';
import { asOptions, misfitOf, optionFields } from '../core/optionFields';
import type { Job, OptimizeRequest, Version } from '../core/types';
import { AsCode } from './AsCode';
import { useApi, useTrans } from './contexts';
import { ErrorNote } from './ErrorNote';
import { JudgedOn } from './JudgedOn';
import { OptionInputs } from './OptionInputs';
import { useAction } from './useAction';
import { useTypedOptions } from './useTypedOptions';

/** What the form asks for in a way of its own. */
const OWN = ['version', 'target', 'max_loss', 'dataset', 'minutes'];

type Target = NonNullable<OptimizeRequest['target']>;

/** Starts a search for the form of a version that is best on this machine and loses no more than is allowed. */
export function OptimizeForm({
  version,
  onStarted
}: {
  version: Version;
  onStarted: (job: Job) => void;
}): JSX.Element {
  const api = useApi();
  const trans = useTrans();
  const id = useId();
  const [target, setTarget] = useState<Target>('latency');
  const [maxLoss, setMaxLoss] = useState('1%');
  const [dataset, setDataset] = useState('');
  const [minutes, setMinutes] = useState('10');
  const { schema, missing, typed, onTyped } = useTypedOptions('Optimize');
  const fields = optionFields(schema).filter(({ name }) => !OWN.includes(name));
  const request = {
    version: version.ref,
    target,
    max_loss: maxLoss.trim(),
    dataset: dataset || null,
    minutes: Number(minutes),
    ...asOptions(fields, typed)
  };
  const start = useAction(async () => {
    onStarted(await api.optimize(request));
  });
  const targets: [Target, string][] = [
    ['latency', trans.__('the time of one row')],
    ['throughput', trans.__('rows a second')],
    ['size', trans.__('the size of the files')],
    ['memory', trans.__('the memory it takes')]
  ];
  return (
    <form
      className="jp-ModelDeploy-form"
      aria-label={trans.__('Optimise %1', version.ref)}
      onSubmit={event => {
        event.preventDefault();
        start.run();
      }}
    >
      <label htmlFor={`${id}-target`}>{trans.__('Improve')}</label>
      <select
        id={`${id}-target`}
        value={target}
        onChange={event => {
          setTarget(event.target.value as Target);
        }}
      >
        {targets.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
      <label htmlFor={`${id}-loss`}>{trans.__('Lose at most')}</label>
      <input
        id={`${id}-loss`}
        value={maxLoss}
        required
        spellCheck={false}
        title={trans.__('Percentage points of accuracy, or of mAP50: 1%')}
        onChange={event => {
          setMaxLoss(event.target.value);
        }}
      />
      <JudgedOn task={version.task} value={dataset} onChange={setDataset} />
      <label htmlFor={`${id}-minutes`}>{trans.__('Minutes')}</label>
      <input
        id={`${id}-minutes`}
        type="number"
        min="0.1"
        max="1440"
        step="any"
        value={minutes}
        required
        onChange={event => {
          setMinutes(event.target.value);
        }}
      />
      <details className="jp-ModelDeploy-more">
        <summary>{trans.__('More')}</summary>
        <div className="jp-ModelDeploy-fields">
          <OptionInputs
            fields={fields}
            typed={typed}
            unset={trans.__('not set')}
            onTyped={onTyped}
          />
        </div>
      </details>
      <button
        type="submit"
        className="jp-ModelDeploy-button jp-ModelDeploy-accept"
        disabled={start.busy || fields.some(one => misfitOf(one, typed[one.name]) !== null)}
      >
        {trans.__('Optimise')}
      </button>
      <ErrorNote error={start.error ?? missing} />
      <AsCode operation="optimize_model" request={request} />
    </form>
  );
}
