import { useState, type JSX } from 'react';
import { asOptions, matters, optionFields } from '../core/optionFields';
import type { Job, Version } from '../core/types';
import { useApi, useTrans } from './contexts';
import { JudgedOn } from './JudgedOn';
import { MakingForm } from './MakingForm';
import { useTypedOptions } from './useTypedOptions';

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
  const { schema, ...asked } = useTypedOptions('QuantizeOptions');
  const method = String(asked.typed.method || schema.method?.default);
  const fields = optionFields(schema).filter(field => matters(field, version.task, method));
  const options = asOptions(fields, asked.typed);
  return (
    <MakingForm
      label={trans.__('Quantize %1', version.ref)}
      action={trans.__('Quantize')}
      operation="quantize_model"
      request={{ version: version.ref, dataset: dataset || null, options }}
      fields={fields}
      {...asked}
      start={request => api.quantize(request)}
      onStarted={onStarted}
    >
      <JudgedOn task={version.task} value={dataset} onChange={setDataset} />
    </MakingForm>
  );
}
