import type { JSX } from 'react';
import type { JobState, ServiceState } from '../core/types';

/** A state in words, with a dot in its colour. */
export function StateTag({
  state,
  text
}: {
  state: JobState | ServiceState;
  text: string;
}): JSX.Element {
  return (
    <span className="jp-ModelDeploy-state" data-state={state} title={text}>
      {text}
    </span>
  );
}
