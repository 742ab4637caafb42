import { useId, useState, type JSX } from 'react';
import { asOptions, optionFields } from '../../core/optionFields';
import type { ExperimentRequest, Job, Model, ServedModel } from '../../core/types';
import { useApi, useTrans } from '../contexts';
import { MakingForm } from '../MakingForm';
import { useTypedOptions } from '../useTypedOptions';
import { asLines, LinesInput } from './LinesInput';
import { PlanForm } from './PlanForm';
import { RehearsalForm, type Recording } from './RehearsalForm';

/** What the form asks for in a way of its own. */
const OWN = ['name', 'candidate', 'base', 'traffic_split', 'steps', 'metrics', 'guardrails'];
const RISES = '10,25,50,75,100';

type Way = 'split' | 'steps';

/** Tries another version of a served model on the service's own traffic: on a part of it, or on more and more. */
export function ExperimentForm({
  service,
  served,
  model,
  recordings,
  onStarted
}: {
  service: string;
  served: ServedModel;
  model: Model | undefined;
  /** Of the service, the newest first. */
  recordings: readonly Recording[];
  onStarted: (job: Job) => void;
}): JSX.Element | null {
  const api = useApi();
  const trans = useTrans();
  const id = useId();
  const bases = served.arms.map(arm => `${served.model}@${arm.version}`);
  const [base = ''] = bases;
  const candidates = (model?.versions ?? []).map(({ ref }) => ref).filter(ref => ref !== base);
  const [chosen, setChosen] = useState('');
  const [way, setWay] = useState<Way>('split');
  const [shares, setShares] = useState<Record<Way, string>>({ split: '80,20', steps: RISES });
  const [metrics, setMetrics] = useState('');
  const [guardrails, setGuardrails] = useState('');
  const { schema, ...asked } = useTypedOptions('RunExperiment');
  const candidate = candidates.includes(chosen) ? chosen : candidates.at(-1);
  if (!candidate) {
    return (
      <p className="jp-ModelDeploy-empty">
        {trans.__('There is no other version of %1 to try. Make one first.', served.model)}
      </p>
    );
  }
  const fields = optionFields(schema).filter(({ name }) => !OWN.includes(name));
  const request: ExperimentRequest = {
    name: service,
    candidate,
    base,
    ...(way === 'split' ? { traffic_split: shares.split } : { steps: shares.steps }),
    ...(metrics.trim() && { metrics: asLines(metrics) }),
    ...(guardrails.trim() && { guardrails: asLines(guardrails) }),
    ...asOptions(fields, asked.typed)
  };
  const ways: [Way, string][] = [
    ['split', trans.__('one split of the traffic (A/B)')],
    ['steps', trans.__('more and more of it, in steps (rollout)')]
  ];
  return (
    <>
      <MakingForm
        label={trans.__('Try a version of %1', served.model)}
        action={trans.__('Start')}
        operation="run_experiment"
        request={request}
        fields={fields}
        {...asked}
        start={wanted => api.runExperiment(wanted)}
        onStarted={onStarted}
      >
        <label htmlFor={`${id}-candidate`}>{trans.__('Candidate')}</label>
        <select
          id={`${id}-candidate`}
          value={candidate}
          onChange={event => {
            setChosen(event.target.value);
          }}
        >
          {candidates.map(ref => (
            <option key={ref}>{ref}</option>
          ))}
        </select>
        <label htmlFor={`${id}-way`}>{trans.__('It gets')}</label>
        <select
          id={`${id}-way`}
          value={way}
          onChange={event => {
            setWay(event.target.value as Way);
          }}
        >
          {ways.map(([value, text]) => (
            <option key={value} value={value}>
              {text}
            </option>
          ))}
        </select>
        <label htmlFor={`${id}-shares`}>
          {way === 'split'
            ? trans.__('Base and candidate (%)')
            : trans.__('Shares of the candidate (%)')}
        </label>
        <input
          id={`${id}-shares`}
          value={shares[way]}
          required
          spellCheck={false}
          onChange={event => {
            setShares({ ...shares, [way]: event.target.value });
          }}
        />
        <LinesInput
          label={trans.__('Outcomes to measure')}
          example="bought=proportion"
          help={schema.metrics?.description}
          value={metrics}
          onChange={setMetrics}
        />
        <LinesInput
          label={trans.__('Guardrails')}
          example="error_rate=2pp"
          help={schema.guardrails?.description}
          value={guardrails}
          onChange={setGuardrails}
        />
      </MakingForm>
      <RehearsalForm request={request} recordings={recordings} />
      <PlanForm />
    </>
  );
}
