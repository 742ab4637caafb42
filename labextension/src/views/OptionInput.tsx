import { useId, type JSX } from 'react';
import type { OptionField } from '../core/optionFields';
import { useTrans } from './contexts';

/** One option of an operation, with its range and help as the API describes them. */
export function OptionInput({
  field,
  value,
  onChange
}: {
  field: OptionField;
  value: string | boolean | undefined;
  onChange: (value: string | boolean) => void;
}): JSX.Element {
  const trans = useTrans();
  const id = useId();
  const label = field.name.replace(/_/g, ' ');
  const standard = field.standard === null ? trans.__('by task') : String(field.standard);
  if (field.kind === 'flag') {
    return (
      <label className="jp-ModelDeploy-check" title={field.help}>
        <input
          type="checkbox"
          checked={Boolean(value ?? field.standard)}
          onChange={event => {
            onChange(event.target.checked);
          }}
        />
        {label}
      </label>
    );
  }
  return (
    <>
      <label htmlFor={id} title={field.help}>
        {label}
      </label>
      {field.kind === 'choice' ? (
        <select
          id={id}
          value={String(value ?? '')}
          title={field.help}
          onChange={event => {
            onChange(event.target.value);
          }}
        >
          <option value="">{standard}</option>
          {field.choices
            .filter(choice => choice !== field.standard)
            .map(choice => (
              <option key={choice}>{choice}</option>
            ))}
        </select>
      ) : (
        <input
          id={id}
          type="number"
          step={field.kind === 'integer' ? 1 : 'any'}
          min={field.minimum}
          max={field.maximum}
          value={String(value ?? '')}
          placeholder={standard}
          title={field.help}
          onChange={event => {
            onChange(event.target.value);
          }}
        />
      )}
    </>
  );
}
