import { useState, type JSX } from 'react';
import type { AliasPage, ApprovalRule } from '../../core/types';
import { useApi, useTrans } from '../contexts';
import { ErrorNote } from '../ErrorNote';
import { TextField } from '../TextField';
import { useAction } from '../useAction';
import { ConditionsInput } from './ConditionsInput';
import { PageButton } from './PageButton';
import { ProofFields } from './ProofFields';
import { askedProof, conditionsOf, namesOf, NO_RULE, typed } from './ruleFields';

/** Says what must hold before an alias moves, or that nothing must; the server says what of it cannot be read. */
export function RuleForm({
  page,
  onSet
}: {
  page: Pick<AliasPage, 'model' | 'alias' | 'rule'>;
  onSet: () => void;
}): JSX.Element {
  const api = useApi();
  const trans = useTrans();
  const { model, alias, rule } = page;
  const [conditions, setConditions] = useState(rule.conditions.join('\n'));
  const [proof, setProof] = useState(() => typed(rule));
  const [movers, setMovers] = useState(rule.movers.join(', '));
  const [second, setSecond] = useState(rule.second_person);
  const [approvers, setApprovers] = useState(rule.approvers.join(', '));
  const [reason, setReason] = useState('');
  const set = useAction(async (wanted: ApprovalRule) => {
    await api.setAliasRule(model, alias, wanted, reason);
    onSet();
  });
  return (
    <form
      className="jp-ModelDeploy-form"
      aria-label={trans.__('What must hold before %1 moves', alias)}
      onSubmit={event => {
        event.preventDefault();
        set.run({
          conditions: conditionsOf(conditions),
          ...askedProof(proof),
          movers: namesOf(movers),
          second_person: second,
          approvers: namesOf(approvers)
        });
      }}
    >
      <ConditionsInput model={model} value={conditions} onChange={setConditions} />
      <ProofFields asked={proof} onChange={setProof} />
      <TextField
        label={trans.__('Who may move it')}
        placeholder={trans.__('whoever works here')}
        value={movers}
        onChange={setMovers}
      />
      <label className="jp-ModelDeploy-check">
        <input
          type="checkbox"
          checked={second}
          onChange={event => {
            setSecond(event.target.checked);
          }}
        />
        {trans.__('A second person must approve')}
      </label>
      {second && (
        <TextField
          label={trans.__('Who may approve')}
          placeholder={trans.__('any second person')}
          value={approvers}
          onChange={setApprovers}
        />
      )}
      <TextField label={trans.__('Why')} value={reason} onChange={setReason} />
      <div className="jp-ModelDeploy-buttons">
        <button
          type="submit"
          className="jp-ModelDeploy-button jp-ModelDeploy-accept"
          disabled={set.busy}
        >
          {trans.__('Set the rule')}
        </button>
        <PageButton
          text={trans.__('Ask for nothing')}
          label={trans.__('Ask for nothing before %1 moves', alias)}
          disabled={set.busy}
          onClick={() => {
            set.run(NO_RULE);
          }}
        />
      </div>
      <ErrorNote error={set.error} />
    </form>
  );
}
