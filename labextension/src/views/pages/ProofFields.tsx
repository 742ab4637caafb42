import type { JSX } from 'react';
import type { ApprovalRule } from '../../core/types';
import { useTrans } from '../contexts';
import { countsExperiments, type AskedProof } from './ruleFields';

/** What must have compared a version with the one before, and when an experiment is enough. */
export function ProofFields({
  asked,
  onChange
}: {
  asked: AskedProof;
  onChange: (asked: AskedProof) => void;
}): JSX.Element {
  const trans = useTrans();
  const proofs: [ApprovalRule['proof'], string][] = [
    ['none', trans.__('nothing')],
    ['evaluation', trans.__('an evaluation that does not find it worse')],
    ['experiment', trans.__('an experiment that finds it better')],
    ['either', trans.__('an evaluation that does not find it worse, or an experiment')]
  ];
  return (
    <>
      <label className="jp-ModelDeploy-field">
        {trans.__('What must have compared it with the one before')}
        <select
          value={asked.proof}
          onChange={event => {
            onChange({ ...asked, proof: event.target.value as ApprovalRule['proof'] });
          }}
        >
          {proofs.map(([value, text]) => (
            <option key={value} value={value}>
              {text}
            </option>
          ))}
        </select>
      </label>
      {countsExperiments(asked) && (
        <>
          <label className="jp-ModelDeploy-field">
            {trans.__('Units of each version at least')}
            <input
              type="number"
              min={1}
              required
              value={asked.units}
              onChange={event => {
                onChange({ ...asked, units: event.target.value });
              }}
            />
          </label>
          <label className="jp-ModelDeploy-field">
            {trans.__('How much worse it may be, in percent')}
            <input
              type="number"
              min={0.01}
              max={100}
              step="any"
              placeholder={trans.__('it must be better')}
              value={asked.percent}
              onChange={event => {
                onChange({ ...asked, percent: event.target.value });
              }}
            />
          </label>
        </>
      )}
    </>
  );
}
