import { useState, type JSX } from 'react';
import { asOptions, matters, optionFields, type TypedValue } from '../core/optionFields';
import type { Job, Version } from '../core/types';
import { useApi, useTrans } from './contexts';
import { JudgedOn } from './JudgedOn';
import { MakingForm } from './MakingForm';
import { useAnswer } from './useAnswer';

/** Starts to quantize a version, which is judged on a dataset where there is one. */
export function QuantizeForm({
  version,
  onStarted
}: {
  version: Version;
  onStarted: (job: Job) => void;
}): JSX.Element {
  const api = useApi();
  const trans = useTrans();
  const [dataset, setDataset] = useState('');
  const [typed, setTyped] = useState<Record<string, TypedValue>>({});
  const { answer, error } = useAnswer('', () => api.options('QuantizeOptions'));
  const method = String(typed.method || answer?.method?.default);
  const fields = optionFields(answer ?? {}).filter(field => matters(field, version.task, method));
  const options = asOptions(fields, typed);
  return (
    <MakingForm
      label={trans.__('Quantize %1', version.ref)}
      action={trans.__('Quantize')}
      operation="quantize_model"
      request={{ version: version.ref, dataset: dataset || null, options }}
      fields={fields}
      typed={typed}
      missing={error}
      start={request => api.quantize(request)}
      onTyped={setTyped}
      onStarted={onStarted}
    >
      <JudgedOn task={version.task} value={dataset} onChange={setDataset} />
    </MakingForm>
  );
}
