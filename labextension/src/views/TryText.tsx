import { useId, type JSX } from 'react';
import type { Usage } from '../core/types';
import { useTrans } from './contexts';

/** A box for a text or for JSON; Ctrl+Enter sends it. */
export function TryText({
  model,
  value,
  onChange
}: {
  model: Usage;
  value: string;
  onChange: (value: string) => void;
}): JSX.Element {
  const trans = useTrans();
  const id = useId();
  const isText = model.takes === 'text';
  return (
    <>
      <label htmlFor={id}>{isText ? trans.__('Text') : trans.__('Request as JSON')}</label>
      <textarea
        id={id}
        rows={isText ? 2 : 4}
        required
        value={value}
        spellCheck={isText}
        placeholder={isText ? trans.__('What a lovely film!') : undefined}
        onChange={event => {
          onChange(event.target.value);
        }}
        onKeyDown={event => {
          if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
            event.currentTarget.form?.requestSubmit();
          }
        }}
      />
    </>
  );
}
