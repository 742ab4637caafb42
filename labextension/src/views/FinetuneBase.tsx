import { useId, type JSX } from 'react';
import type { FinetuneChoices } from '../core/types';
import { useTrans } from './contexts';

/** Asks which version to start from: those that suit the dataset come first. */
export function FinetuneBase({
  base,
  dataset,
  choices,
  tried,
  onChange
}: {
  base: string;
  dataset: string;
  choices: FinetuneChoices | null;
  tried: boolean;
  onChange: (base: string) => void;
}): JSX.Element {
  const trans = useTrans();
  const id = useId();
  const { bases, other_bases: others } = choices ?? { bases: base ? [base] : [], other_bases: [] };
  const unfit = choices !== null && base !== '' && ![...bases, ...others].includes(base);
  const problem = unfit
    ? trans.__('%1 cannot be trained on %2', base, dataset)
    : choices && bases.length + others.length === 0
      ? trans.__('no version suits %1 yet: fetch one', dataset)
      : null;
  const option = (ref: string) => <option key={ref}>{ref}</option>;
  return (
    <>
      <label htmlFor={id}>{trans.__('Base')}</label>
      <select
        id={id}
        value={base}
        required
        aria-invalid={unfit || (tried && base === '') || undefined}
        aria-describedby={problem ? `${id}-problem` : undefined}
        onChange={event => {
          onChange(event.target.value);
        }}
      >
        <option value="">{trans.__('choose one')}</option>
        {unfit && option(base)}
        {bases.map(option)}
        {others.length > 0 && (
          <optgroup label={trans.__('made for other tasks')}>{others.map(option)}</optgroup>
        )}
      </select>
      {problem && (
        <span id={`${id}-problem`} className="jp-ModelDeploy-misfit" role="alert">
          {problem}
        </span>
      )}
    </>
  );
}
