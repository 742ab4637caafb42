import type { JSX } from 'react';

/** A line of text with its label. */
export function TextField({
  label,
  value,
  onChange,
  placeholder,
  required = false
}: {
  label: string;
  value: string;
  onChange: (value: string) => void;
  placeholder?: string;
  required?: boolean;
}): JSX.Element {
  return (
    <label className="jp-ModelDeploy-field">
      {label}
      <input
        value={value}
        placeholder={placeholder}
        required={required}
        onChange={event => {
          onChange(event.target.value);
        }}
      />
    </label>
  );
}
