import { useId, type JSX } from 'react';
import { misfitOf, type Misfit, type OptionField, type TypedValue } from '../core/optionFields';
import { said } from '../core/said';
import type { Translation } from '../core/translation';
import { useTrans } from './contexts';

interface Props {
  field: OptionField;
  value: TypedValue | undefined;
  /** What is shown where nothing is said and nothing is known to be taken. */
  unset: string;
  /** Whether the last error of the server was about it. */
  refused: boolean;
  onChange: (value: TypedValue) => void;
}

/** One option of an operation, with its range and help as the API describes them, and what is wrong with it. */
export function OptionInput(props: Props): JSX.Element {
  switch (props.field.kind) {
    case 'flag':
      return <Flag {...props} />;
    case 'several':
      return <Several {...props} />;
    default:
      return <Value {...props} />;
  }
}

function Flag({ field, value, onChange }: Props): JSX.Element {
  const trans = useTrans();
  return (
    <label className="jp-ModelDeploy-check" title={said(field.help, trans)}>
      <input
        type="checkbox"
        checked={Boolean(value ?? field.standard)}
        onChange={event => {
          onChange(event.target.checked);
        }}
      />
      {labelOf(field, trans)}
    </label>
  );
}

function Several({ field, value, onChange }: Props): JSX.Element {
  const trans = useTrans();
  const chosen = Array.isArray(value) ? value : [];
  return (
    <fieldset className="jp-ModelDeploy-several" title={said(field.help, trans)}>
      <legend>{labelOf(field, trans)}</legend>
      {field.choices.map(choice => (
        <label key={choice}>
          <input
            type="checkbox"
            checked={chosen.includes(choice)}
            onChange={event => {
              const others = chosen.filter(one => one !== choice);
              onChange(event.target.checked ? [...others, choice] : others);
            }}
          />
          {choice}
        </label>
      ))}
    </fieldset>
  );
}

function Value({ field, value, unset, refused, onChange }: Props): JSX.Element {
  const trans = useTrans();
  const id = useId();
  const standard = field.standard === null ? unset : String(field.standard);
  const range = {
    step: field.kind === 'integer' ? 1 : 'any',
    min: field.minimum ?? field.above,
    max: field.maximum ?? field.below
  };
  const misfit = misfitOf(field, value);
  const shared = {
    id,
    value: String(value ?? ''),
    title: said(field.help, trans),
    'aria-invalid': misfit !== null || refused || undefined,
    'aria-describedby': misfit ? `${id}-misfit` : undefined
  };
  return (
    <>
      <label htmlFor={id} title={said(field.help, trans)}>
        {labelOf(field, trans)}
      </label>
      {field.kind === 'choice' ? (
        <select
          {...shared}
          onChange={event => {
            onChange(event.target.value);
          }}
        >
          <option value="">{standard}</option>
          {field.choices
            .filter(choice => choice !== standard)
            .map(choice => (
              <option key={choice}>{choice}</option>
            ))}
        </select>
      ) : (
        <input
          {...shared}
          {...(field.kind === 'text' ? { spellCheck: false } : { type: 'number', ...range })}
          placeholder={standard}
          onChange={event => {
            // What is no number at all a browser gives as nothing, though it shows it.
            onChange(event.target.validity.badInput ? 'NaN' : event.target.value);
          }}
        />
      )}
      {misfit && (
        <span id={`${id}-misfit`} className="jp-ModelDeploy-misfit" role="alert">
          {misfitText(misfit, trans)}
        </span>
      )}
    </>
  );
}

function labelOf(field: OptionField, trans: Translation): string {
  return said(field.name.replace(/_/g, ' '), trans);
}

function misfitText({ kind, limit }: Misfit, trans: Translation): string {
  const shown = limit.toLocaleString();
  switch (kind) {
    case 'no-number':
      return trans.__('a number is needed');
    case 'no-integer':
      return trans.__('a whole number is needed');
    case 'too-small':
      return trans.__('at least %1', shown);
    case 'too-large':
      return trans.__('at most %1', shown);
    case 'not-above':
      return trans.__('more than %1', shown);
    case 'not-below':
      return trans.__('less than %1', shown);
  }
}
