import type { JSX } from 'react';

/** In place of a page about something that is not there, or not any more. */
export function Missing({ text }: { text: string }): JSX.Element {
  return (
    <p className="jp-ModelDeploy-empty" role="status">
      {text}
    </p>
  );
}
