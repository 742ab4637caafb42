import type { JSX } from 'react';
import { useApi, useTrans } from '../contexts';
import { ErrorNote } from '../ErrorNote';
import { usePolled } from '../usePolled';
import { LogView } from './LogView';

const LOOK_MS = 3000;

/** The end of a service's log, which can be searched. */
export function ServiceLog({ name }: { name: string }): JSX.Element {
  const api = useApi();
  const trans = useTrans();
  const { answers, error, ref } = usePolled<string, HTMLDivElement>(name, LOOK_MS, 1, () =>
    api.serviceLog(name)
  );
  return (
    <div ref={ref}>
      <LogView text={answers.at(-1) ?? null} label={trans.__('Log of %1', name)} />
      <ErrorNote error={error} />
    </div>
  );
}
