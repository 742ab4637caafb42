import type { JSX } from 'react';

/** Chooses a version of a model; null, where `several` has a word for it, is a split among some. */
export function VersionSelect<V extends number | null>({
  label,
  name,
  numbers,
  value,
  several,
  onChange
}: {
  label: string;
  /** The model's. */
  name: string;
  numbers: readonly number[];
  value: V;
  several?: string;
  onChange: (version: V) => void;
}): JSX.Element {
  const known = value === null || numbers.includes(value) ? numbers : [...numbers, value];
  return (
    <select
      aria-label={label}
      value={value ?? ''}
      onChange={event => {
        onChange((event.target.value === '' ? null : Number(event.target.value)) as V);
      }}
    >
      {known.map(number => (
        <option key={number} value={number}>{`${name}@${number}`}</option>
      ))}
      {several && <option value="">{several}</option>}
    </select>
  );
}
