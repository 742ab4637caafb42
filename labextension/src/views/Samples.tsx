import { useEffect, useId, useState, type JSX } from 'react';
import { asApiError, type ApiError } from '../core/errors';
import type { Job, Sample } from '../core/types';
import { useApi, useTrans } from './contexts';
import { ErrorNote } from './ErrorNote';

/** What a model in training answers to some held-out rows, at the last evaluation or at one before. `evaluated` is the
 * step of the last evaluation that is known of: a new one brings new answers. */
export function Samples({ job, evaluated }: { job: Job; evaluated: number }): JSX.Element | null {
  const api = useApi();
  const trans = useTrans();
  const id = useId();
  const [samples, setSamples] = useState<Sample[]>([]);
  const [error, setError] = useState<ApiError | null>(null);
  const [chosen, setChosen] = useState<number | null>(null);

  useEffect(() => {
    let gone = false;
    api
      .jobSamples(job.id)
      .then(found => {
        if (!gone) {
          setSamples(found);
          setError(null);
        }
      })
      .catch((thrown: unknown) => {
        if (!gone) {
          setError(asApiError(thrown));
        }
      });
    return () => {
      gone = true;
    };
  }, [api, job.id, job.state, evaluated]);

  if (samples.length === 0) {
    return error && <ErrorNote error={error} />;
  }
  const steps = [...new Set(samples.map(sample => sample.step))];
  const last = steps.length - 1;
  const place = chosen === null ? last : Math.min(chosen, last);
  const step = steps[place] ?? 0;
  const before = new Map(
    samples
      .filter(sample => sample.step === steps[place - 1])
      .map(({ row, answer }) => [row, answer])
  );
  return (
    <>
      <table className="jp-ModelDeploy-table jp-ModelDeploy-samples">
        <caption>{trans.__('Answers to held-out rows at step %1', step.toLocaleString())}</caption>
        <thead>
          <tr>
            <th scope="col">{trans.__('Row')}</th>
            <th scope="col">{trans.__('Answer')}</th>
          </tr>
        </thead>
        <tbody>
          {samples
            .filter(sample => sample.step === step)
            .map(({ row, text, answer }) => {
              const was = before.get(row);
              const changed = was !== undefined && was !== answer;
              return (
                <tr key={row}>
                  <th scope="row">{text || row}</th>
                  <td title={changed ? trans.__('before: %1', was) : undefined}>
                    {changed ? <mark>{answer}</mark> : answer}
                  </td>
                </tr>
              );
            })}
        </tbody>
      </table>
      {last > 0 && (
        <label className="jp-ModelDeploy-steps" htmlFor={`${id}-step`}>
          {trans.__('At evaluation')}
          <input
            id={`${id}-step`}
            type="range"
            min={0}
            max={last}
            value={place}
            aria-valuetext={trans.__('step %1', step.toLocaleString())}
            onChange={event => {
              const wanted = Number(event.target.value);
              setChosen(wanted === last ? null : wanted);
            }}
          />
        </label>
      )}
      <ErrorNote error={error} />
    </>
  );
}
