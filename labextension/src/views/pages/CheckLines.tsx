import type { JSX } from 'react';
import type { Check } from '../../core/types';

/** What an alias's rule asks of a version, whether it holds, and what else is to be known. */
export function CheckLines({
  checks,
  warnings = []
}: {
  checks: readonly Check[];
  warnings?: readonly string[];
}): JSX.Element {
  return (
    <>
      {checks.map(({ asked, note, holds, hint }) => (
        <p key={asked} className="jp-ModelDeploy-detail">
          {`${holds ? '✓' : '✗'} ${note}`}
          {hint && <span className="jp-ModelDeploy-hint">{hint}</span>}
        </p>
      ))}
      {warnings.map(line => (
        <p key={line} className="jp-ModelDeploy-detail">
          {line}
        </p>
      ))}
    </>
  );
}
