import { useId, type JSX } from 'react';
import { said } from '../../core/said';
import { useTrans } from '../contexts';

/** Asks for names with what is said of each, a line for each: `bought=proportion`. */
export function LinesInput({
  label,
  example,
  help = '',
  value,
  onChange
}: {
  label: string;
  example: string;
  /** What may be said, in the words of the API. */
  help?: string;
  value: string;
  onChange: (value: string) => void;
}): JSX.Element {
  const trans = useTrans();
  const id = useId();
  return (
    <>
      <label htmlFor={id} title={said(help, trans)}>
        {label}
      </label>
      <textarea
        id={id}
        rows={2}
        value={value}
        placeholder={example}
        title={said(help, trans)}
        spellCheck={false}
        onChange={event => {
          onChange(event.target.value);
        }}
      />
    </>
  );
}

/** The lines by the names before their first `=`; a line without one says nothing of its name. */
export function asLines(text: string): Record<string, string> {
  const lines = text.split('\n').map(line => line.trim());
  return Object.fromEntries(
    lines.filter(Boolean).map((line): [string, string] => {
      const place = line.indexOf('=');
      return place < 0 ? [line, ''] : [line.slice(0, place).trim(), line.slice(place + 1).trim()];
    })
  );
}
