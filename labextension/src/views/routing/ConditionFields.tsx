import { useId, type JSX } from 'react';
import { FEATURES, OPERATORS, type ConditionDraft } from '../../core/routing';
import type { Translation } from '../../core/translation';
import { useTrans } from '../contexts';

/** What a request must say or hold; `of` is its number, `1.2`. */
export function ConditionFields({
  condition,
  of,
  onChange
}: {
  condition: ConditionDraft;
  of: string;
  onChange: (condition: ConditionDraft) => void;
}): JSX.Element {
  const trans = useTrans();
  const id = useId();
  const { attribute, operator, value } = condition;
  return (
    <>
      <input
        value={attribute}
        list={id}
        spellCheck={false}
        aria-label={trans.__('What condition %1 looks at', of)}
        title={trans.__(
          'unit; characters, rows or bytes of the input; header:NAME; any other NAME is of the header X-Attribute-NAME'
        )}
        onChange={event => {
          onChange({ ...condition, attribute: event.target.value });
        }}
      />
      <datalist id={id}>
        {['unit', 'user', 'region', 'header:user-agent', ...FEATURES].map(name => (
          <option key={name} value={name} />
        ))}
      </datalist>
      <select
        value={operator}
        aria-label={trans.__('How condition %1 compares', of)}
        onChange={event => {
          onChange({
            ...condition,
            operator: event.target.value as ConditionDraft['operator']
          });
        }}
      >
        {OPERATORS.map(one => (
          <option key={one} value={one}>
            {operatorText(one, trans)}
          </option>
        ))}
      </select>
      <input
        value={value}
        spellCheck={false}
        aria-label={trans.__('What condition %1 compares with', of)}
        title={trans.__('Several values have commas between them.')}
        onChange={event => {
          onChange({ ...condition, value: event.target.value });
        }}
      />
    </>
  );
}

function operatorText(operator: ConditionDraft['operator'], trans: Translation): string {
  switch (operator) {
    case 'in':
      return trans.__('is one of');
    case 'not in':
      return trans.__('is none of');
    case 'prefix':
      return trans.__('begins with one of');
    case '=':
      return trans.__('is');
    case '>=':
      return trans.__('is at least');
    case '<=':
      return trans.__('is at most');
  }
}
