import type { JSX } from 'react';
import { newRule, swapped, type RuleDraft } from '../../core/routing';
import { useTrans } from '../contexts';
import { PageButton } from '../pages/PageButton';
import type { RoutingFieldsProps } from './fields';
import { RuleItem } from './RuleItem';

/** The rules in the order in which they are tried. */
export function RulesFields({ name, numbers, draft, onChange }: RoutingFieldsProps): JSX.Element {
  const trans = useTrans();
  const { rules } = draft;
  const set = (changed: readonly RuleDraft[]): void => {
    onChange({ rules: changed });
  };
  return (
    <fieldset>
      <legend>{trans.__('Rules')}</legend>
      <p className="jp-ModelDeploy-detail">
        {trans.__(
          'The first rule that fits a request says which version it gets. What no rule fits is split as above.'
        )}
      </p>
      {rules.length > 0 && (
        <ol role="list" aria-label={trans.__('Rules of %1', name)}>
          {rules.map((rule, place) => (
            <RuleItem
              key={rule.id}
              rule={rule}
              place={place}
              last={place === rules.length - 1}
              name={name}
              numbers={numbers}
              onChange={changed => {
                set(rules.map(one => (one.id === changed.id ? changed : one)));
              }}
              onMove={to => {
                set(swapped(rules, place, to));
              }}
              onRemove={() => {
                set(rules.filter(one => one.id !== rule.id));
              }}
            />
          ))}
        </ol>
      )}
      <PageButton
        text={trans.__('Add a rule')}
        label={trans.__('Add a rule to %1', name)}
        onClick={() => {
          set([...rules, newRule(rules, numbers.at(-1) ?? 1)]);
        }}
      />
    </fieldset>
  );
}
