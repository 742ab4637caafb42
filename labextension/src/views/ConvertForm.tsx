import type { JSX } from 'react';
import { asOptions, optionFields } from '../core/optionFields';
import type { Job, Version } from '../core/types';
import { useApi, useTrans } from './contexts';
import { MakingForm } from './MakingForm';
import { useTypedOptions } from './useTypedOptions';

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
  const { schema, ...options } = useTypedOptions('Convert');
  const fields = optionFields(schema).filter(({ name }) => name !== 'version');
  return (
    <MakingForm
      label={trans.__('Convert %1', version.ref)}
      action={trans.__('Convert')}
      operation="convert_model"
      request={{ version: version.ref, ...asOptions(fields, options.typed) }}
      fields={fields}
      {...options}
      start={request => api.convert(request)}
      onStarted={onStarted}
    />
  );
}
