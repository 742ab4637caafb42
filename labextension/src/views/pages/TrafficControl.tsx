import { useId, useState, type JSX } from 'react';
import type { ServedModel } from '../../core/types';
import { useTrans } from '../contexts';
import { ErrorNote } from '../ErrorNote';
import { formatShare } from '../format';
import { useServedChange, type Served } from '../routing/useServedChange';
import { PageButton } from './PageButton';

type Weights = ReadonlyMap<number, number>;

/** How the traffic of one served model is shared by its versions: a slider for each, a version to add, and nothing changes
 * until it is applied. */
export function TrafficControl(props: Served): JSX.Element {
  const { served, model } = props;
  const trans = useTrans();
  const id = useId();
  const [draft, setDraft] = useState<Weights | null>(null);
  const [chosen, setChosen] = useState('');
  const weights = draft ?? weightsOf(served);
  const whole = [...weights.values()].reduce((sum, weight) => sum + weight, 0);
  const others = model?.versions.filter(({ number }) => !weights.has(number)) ?? [];
  const other = others.find(({ ref }) => ref === chosen) ?? others[0];
  const set = (version: number, weight: number): void => {
    setDraft(new Map([...weights, [version, weight]]));
  };
  const apply = useServedChange(props, () => {
    setDraft(now => (now === draft ? null : now)); // what was set meanwhile is not applied yet
  });
  return (
    <fieldset className="jp-ModelDeploy-traffic">
      <legend>{served.model}</legend>
      {[...weights].map(([version, weight]) => (
        <div key={version} className="jp-ModelDeploy-arm">
          <label htmlFor={`${id}-${version}`}>{`${served.model}@${version}`}</label>
          <input
            id={`${id}-${version}`}
            type="range"
            min={0}
            max={100}
            value={weight}
            aria-valuetext={formatShare(whole > 0 ? weight / whole : 0, 0)}
            onChange={event => {
              set(version, Number(event.target.value));
            }}
          />
          <span>{formatShare(whole > 0 ? weight / whole : 0, 0)}</span>
          {weights.size > 1 && (
            <PageButton
              text={trans.__('All')}
              label={trans.__('All traffic to %1', `${served.model}@${version}`)}
              onClick={() => {
                setDraft(new Map([...weights.keys()].map(one => [one, one === version ? 100 : 0])));
              }}
            />
          )}
        </div>
      ))}
      <div className="jp-ModelDeploy-buttons">
        {other && (
          <>
            <select
              aria-label={trans.__('Another version of %1', served.model)}
              value={other.ref}
              onChange={event => {
                setChosen(event.target.value);
              }}
            >
              {others.map(({ ref }) => (
                <option key={ref}>{ref}</option>
              ))}
            </select>
            <PageButton
              text={trans.__('Add')}
              label={trans.__('Add %1 to the traffic', other.ref)}
              onClick={() => {
                set(other.number, 0);
              }}
            />
          </>
        )}
        {draft && (
          <>
            <PageButton
              text={trans.__('Apply')}
              label={trans.__('Apply the traffic of %1', served.model)}
              main
              disabled={apply.busy || whole === 0}
              onClick={() => {
                apply.run({ arms: armsOf(weights) });
              }}
            />
            <PageButton
              text={trans.__('Discard')}
              disabled={apply.busy}
              onClick={() => {
                setDraft(null);
              }}
            />
          </>
        )}
      </div>
      <ErrorNote error={apply.error} />
    </fieldset>
  );
}

function armsOf(weights: Weights): ServedModel['arms'] {
  return [...weights].map(([version, weight]) => ({ version, weight: weight / 100 }));
}

/** As shares of 100, however they were written. */
function weightsOf({ arms }: ServedModel): Weights {
  const whole = arms.reduce((sum, arm) => sum + arm.weight, 0);
  return new Map(arms.map(arm => [arm.version, Math.round((100 * arm.weight) / whole)]));
}
