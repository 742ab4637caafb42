import { useEffect, useId, useState, type JSX } from 'react';
import { asApiError, type ApiError } from '../core/errors';
import type { Dataset, Job, OptimizeRequest, Version } from '../core/types';
import { useApi, useTrans } from './contexts';
import { ErrorNote } from './ErrorNote';
import { useAction } from './useAction';

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
  const [datasets, setDatasets] = useState<Dataset[]>([]);
  const [missing, setMissing] = useState<ApiError | null>(null);
  const [target, setTarget] = useState<Target>('latency');
  const [maxLoss, setMaxLoss] = useState('1%');
  const [dataset, setDataset] = useState('');
  const [minutes, setMinutes] = useState('10');

  useEffect(() => {
    let gone = false;
    api
      .datasets()
      .then(found => {
        if (!gone) {
          setDatasets(found.filter(one => one.task === version.task));
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
  }, [api, version.task]);

  const start = useAction(async () => {
    const job = await api.optimize({
      version: version.ref,
      target,
      max_loss: maxLoss.trim(),
      dataset: dataset || null,
      minutes: Number(minutes)
    });
    onStarted(job);
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
      <label htmlFor={`${id}-dataset`}>{trans.__('Judged on')}</label>
      <select
        id={`${id}-dataset`}
        value={dataset}
        onChange={event => {
          setDataset(event.target.value);
        }}
      >
        <option value="">{trans.__('what it was made with')}</option>
        {datasets.map(one => (
          <option key={`${one.name}@${one.number}`} value={`${one.name}@${one.number}`}>
            {`${one.name}@${one.number}`}
          </option>
        ))}
      </select>
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
      <button
        type="submit"
        className="jp-ModelDeploy-button jp-ModelDeploy-accept"
        disabled={start.busy}
      >
        {trans.__('Optimise')}
      </button>
      <ErrorNote error={start.error ?? missing} />
    </form>
  );
}
