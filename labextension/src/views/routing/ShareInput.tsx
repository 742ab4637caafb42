import type { JSX } from 'react';

/** One end of a range, 0 to 1, as it is typed. */
export function ShareInput({
  label,
  value,
  onChange
}: {
  label: string;
  value: string;
  onChange: (value: string) => void;
}): JSX.Element {
  return (
    <label>
      {label}{' '}
      <input
        type="number"
        min={0}
        max={1}
        step="any"
        value={value}
        onChange={event => {
          onChange(event.target.value);
        }}
      />
    </label>
  );
}
