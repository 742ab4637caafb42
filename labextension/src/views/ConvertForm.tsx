import { useState, type JSX } from 'react';
import { asOptions, optionFields, type TypedValue } from '../core/optionFields';
import type { Job, Version } from '../core/types';
import { useApi, useTrans } from './contexts';
import { MakingForm } from './MakingForm';
import { useAnswer } from './useAnswer';

/** Starts to convert a version to another format, or its graph to a faster one. */
export function ConvertForm({
  version,
  onStarted
}: {
  version: Version;
  onStarted: (job: Job) => void;
}): JSX.Element {
  const api = useApi();
  const trans = useTrans();
  const [typed, setTyped] = useState<Record<string, TypedValue>>({});
  const { answer: options, error } = useAnswer('', () => api.options('Convert'));
  const fields = optionFields(options ?? {}).filter(({ name }) => name !== 'version');
  return (
    <MakingForm
      label={trans.__('Convert %1', version.ref)}
      action={trans.__('Convert')}
      operation="convert_model"
      request={{ version: version.ref, ...asOptions(fields, typed) }}
      fields={fields}
      typed={typed}
      missing={error}
      start={request => api.convert(request)}
      onTyped={setTyped}
      onStarted={onStarted}
    />
  );
}
