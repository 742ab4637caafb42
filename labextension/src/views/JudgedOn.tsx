import { useId, type JSX } from 'react';
import { useApi, useTrans } from './contexts';
import { ErrorNote } from './ErrorNote';
import { useAnswer } from './useAnswer';

/** Asks which dataset of a task to judge a version on: '' for the one that it was made with. */
export function JudgedOn({
  task,
  value,
  onChange
}: {
  task: string;
  value: string;
  onChange: (dataset: string) => void;
}): JSX.Element {
  const api = useApi();
  const trans = useTrans();
  const id = useId();
  const { answer: datasets, error } = useAnswer('', () => api.datasets());
  const refs = (datasets ?? [])
    .filter(one => one.task === task)
    .map(({ name, number }) => `${name}@${number}`);
  return (
    <>
      <label htmlFor={id}>{trans.__('Judged on')}</label>
      <select
        id={id}
        value={value}
        onChange={event => {
          onChange(event.target.value);
        }}
      >
        <option value="">{trans.__('what it was made with')}</option>
        {refs.map(ref => (
          <option key={ref}>{ref}</option>
        ))}
      </select>
      <ErrorNote error={error} />
    </>
  );
}
