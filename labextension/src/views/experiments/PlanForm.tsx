import { useState, type JSX } from 'react';
import { asOptions, misfitOf, optionFields } from '../../core/optionFields';
import type { Translation } from '../../core/translation';
import type { ExperimentPlan } from '../../core/types';
import { useApi, useTrans } from '../contexts';
import { ErrorNote } from '../ErrorNote';
import { formatFigure } from '../format';
import { OptionInputs } from '../OptionInputs';
import { useAction } from '../useAction';
import { useTypedOptions } from '../useTypedOptions';

/** Works out how many units an experiment needs; asked for when it is unfolded. */
export function PlanForm(): JSX.Element {
  const trans = useTrans();
  const [open, setOpen] = useState(false);
  return (
    <details
      className="jp-ModelDeploy-more"
      onToggle={event => {
        setOpen(event.currentTarget.open);
      }}
    >
      <summary>{trans.__('How many units?')}</summary>
      {open && <Plan />}
    </details>
  );
}

function Plan(): JSX.Element {
  const api = useApi();
  const trans = useTrans();
  const { schema, missing, typed, onTyped } = useTypedOptions('PlanExperiment');
  const [plan, setPlan] = useState<ExperimentPlan | null>(null);
  const fields = optionFields(schema);
  const work = useAction(async () => {
    setPlan(await api.planExperiment(asOptions(fields, typed)));
  });
  return (
    <form
      className="jp-ModelDeploy-form"
      aria-label={trans.__('How many units?')}
      onSubmit={event => {
        event.preventDefault();
        work.run();
      }}
    >
      <OptionInputs fields={fields} typed={typed} unset={trans.__('not set')} onTyped={onTyped} />
      <button
        type="submit"
        className="jp-ModelDeploy-button"
        disabled={work.busy || fields.some(one => misfitOf(one, typed[one.name]) !== null)}
      >
        {trans.__('Work it out')}
      </button>
      <p role="status">{plan && planText(plan, trans)}</p>
      <ErrorNote error={work.error ?? missing} />
    </form>
  );
}

function planText(plan: ExperimentPlan, trans: Translation): string {
  const { units, days, duration_days: duration, minimum_effect: effect } = plan;
  const { smallest_effect: smallest, power } = plan;
  const chance = (100 * power).toFixed(0);
  return [
    units !== null &&
      trans.__(
        'A difference of %1 is found in %2 units with a chance of %3 %.',
        formatFigure(effect),
        units.toLocaleString(),
        chance
      ),
    days !== null && trans.__('They come in %1 days.', formatFigure(days)),
    smallest !== null &&
      trans.__(
        'In %1 days a difference of %2 is found.',
        formatFigure(duration),
        formatFigure(smallest)
      )
  ]
    .filter(Boolean)
    .join(' ');
}
