import type { JSX } from 'react';
import type { OptionField, TypedValue } from '../core/optionFields';
import { OptionInput } from './OptionInput';

/** A form's options, each with what was typed; `unset` says what holds where nothing was. */
export function OptionInputs({
  fields,
  typed,
  unset,
  onTyped
}: {
  fields: readonly OptionField[];
  typed: Readonly<Record<string, TypedValue>>;
  unset: string;
  onTyped: (typed: Record<string, TypedValue>) => void;
}): JSX.Element {
  return (
    <>
      {fields.map(field => (
        <OptionInput
          key={field.name}
          field={field}
          value={typed[field.name]}
          unset={unset}
          refused={false}
          onChange={value => {
            onTyped({ ...typed, [field.name]: value });
          }}
        />
      ))}
    </>
  );
}
