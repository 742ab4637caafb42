import { useId, type JSX } from 'react';
import { useTrans } from './contexts';

/** Where something is to come from, and what it is to be called here. */
export interface Wanted {
  source: string;
  /** '' for the name that its source suggests. */
  name: string;
}

export const NOTHING_WANTED: Wanted = { source: '', name: '' };

/** Asks for a source and a name; `example` and `help` say how a source is written. */
export function SourceFields({
  value: { source, name },
  example,
  help,
  onChange
}: {
  value: Wanted;
  example: string;
  help: string;
  onChange: (value: Wanted) => void;
}): JSX.Element {
  const trans = useTrans();
  const id = useId();
  return (
    <>
      <label htmlFor={`${id}-source`}>{trans.__('Source')}</label>
      <input
        id={`${id}-source`}
        value={source}
        required
        spellCheck={false}
        placeholder={example}
        title={help}
        onChange={event => {
          onChange({ source: event.target.value, name });
        }}
      />
      <label htmlFor={`${id}-name`}>{trans.__('Name')}</label>
      <input
        id={`${id}-name`}
        value={name}
        spellCheck={false}
        placeholder={trans.__('as its source calls it')}
        pattern="[A-Za-z0-9][A-Za-z0-9._\-]{0,63}"
        title={trans.__('Letters, digits, ".", "_" and "-"; at most 64')}
        onChange={event => {
          onChange({ source, name: event.target.value });
        }}
      />
    </>
  );
}

/** As the API takes it. */
export function asNamed({ source, name }: Wanted): { source: string; name: string | null } {
  return { source: source.trim(), name: name.trim() || null };
}
