import type { JSX } from 'react';
import type { Moved } from '../../core/types';

/** What an alias's rule asks of a version, whether it holds, and what else is to be known. */
export function CheckLines({ moved: { checks, warnings } }: { moved: Moved }): JSX.Element {
  return (
    <>
      {[...checks.map(({ note, holds }) => `${holds ? '✓' : '✗'} ${note}`), ...warnings].map(
        line => (
          <p key={line} className="jp-ModelDeploy-detail">
            {line}
          </p>
        )
      )}
    </>
  );
}
