import type { JSX } from 'react';
import { newCondition, type ConditionDraft, type RuleDraft } from '../../core/routing';
import { useTrans } from '../contexts';
import { PageButton } from '../pages/PageButton';
import { ConditionFields } from './ConditionFields';
import { VersionSelect } from './VersionSelect';

interface Props {
  rule: RuleDraft;
  /** From 0. */
  place: number;
  /** Whether none comes after it. */
  last: boolean;
  /** The model's. */
  name: string;
  numbers: readonly number[];
  onChange: (rule: RuleDraft) => void;
  onMove: (to: number) => void;
  onRemove: () => void;
}

/** One rule: what must hold of a request, and which version that gets. The buttons that move it are away at the ends of the
 * list, so that the focus never stays on one that does nothing. */
export function RuleItem(props: Props): JSX.Element {
  const { rule, place, last, name, numbers, onChange, onMove, onRemove } = props;
  const trans = useTrans();
  const number = place + 1;
  const set = (conditions: readonly ConditionDraft[]): void => {
    onChange({ ...rule, conditions });
  };
  return (
    <li className="jp-ModelDeploy-rule" aria-label={trans.__('Rule %1', number)}>
      <div className="jp-ModelDeploy-buttons">
        <strong>{number}</strong>
        <input
          value={rule.name}
          maxLength={64}
          placeholder={trans.__('Name')}
          aria-label={trans.__('Name of rule %1', number)}
          onChange={event => {
            onChange({ ...rule, name: event.target.value });
          }}
        />
        {place > 0 && (
          <PageButton
            text={trans.__('Up')}
            label={trans.__('Move rule %1 up', number)}
            onClick={() => {
              onMove(place - 1);
            }}
          />
        )}
        {!last && (
          <PageButton
            text={trans.__('Down')}
            label={trans.__('Move rule %1 down', number)}
            onClick={() => {
              onMove(place + 1);
            }}
          />
        )}
        <PageButton
          text={trans.__('Remove')}
          label={trans.__('Remove rule %1', number)}
          onClick={onRemove}
        />
      </div>
      {rule.conditions.map((condition, at) => (
        <div key={at} className="jp-ModelDeploy-condition">
          <span>{at === 0 ? trans.__('if') : trans.__('and')}</span>
          <ConditionFields
            condition={condition}
            of={`${number}.${at + 1}`}
            onChange={changed => {
              set(rule.conditions.map((one, other) => (other === at ? changed : one)));
            }}
          />
          {rule.conditions.length > 1 && (
            <PageButton
              text={trans.__('Remove')}
              label={trans.__('Remove condition %1', `${number}.${at + 1}`)}
              onClick={() => {
                set(rule.conditions.filter((_, other) => other !== at));
              }}
            />
          )}
        </div>
      ))}
      <div className="jp-ModelDeploy-buttons">
        <PageButton
          text={trans.__('Add a condition')}
          label={trans.__('Add a condition to rule %1', number)}
          onClick={() => {
            set([...rule.conditions, newCondition()]);
          }}
        />
        <span>{trans.__('it gets')}</span>
        <VersionSelect
          label={trans.__('What rule %1 gives', number)}
          name={name}
          numbers={numbers}
          value={rule.version}
          several={trans.__('several…')}
          onChange={version => {
            onChange({ ...rule, version });
          }}
        />
        {rule.version === null && (
          <input
            value={rule.shares}
            placeholder="1=80, 2=20"
            aria-label={trans.__('Versions and shares of rule %1', number)}
            onChange={event => {
              onChange({ ...rule, shares: event.target.value });
            }}
          />
        )}
      </div>
    </li>
  );
}
