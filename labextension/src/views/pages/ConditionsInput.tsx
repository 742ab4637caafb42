import type { JSX } from 'react';
import { useApi, useTrans } from '../contexts';
import { ErrorNote } from '../ErrorNote';
import { LinesInput } from '../experiments/LinesInput';
import { useAnswer } from '../useAnswer';
import { useDelayed } from '../useDelayed';
import { CheckLines } from './CheckLines';
import { conditionsOf } from './ruleFields';

/** The conditions of a rule, a line each; as they are typed it says how they are written, and what they would find of the
 * model's latest version. */
export function ConditionsInput({
  model,
  value,
  onChange
}: {
  model: string;
  value: string;
  onChange: (value: string) => void;
}): JSX.Element {
  const api = useApi();
  const trans = useTrans();
  const asked = useDelayed(value);
  const { answer, error } = useAnswer(`${model}\n${asked}`, () => {
    const conditions = conditionsOf(asked);
    return conditions.length > 0 ? api.checkConditions(model, conditions) : Promise.resolve([]);
  });
  return (
    <>
      <LinesInput
        label={trans.__('What must hold of the version')}
        example="accuracy >= production - 0.005"
        value={value}
        onChange={onChange}
      />
      <div role="status">{answer && <CheckLines checks={answer} />}</div>
      <ErrorNote error={error} />
    </>
  );
}
