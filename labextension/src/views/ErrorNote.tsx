import type { JSX } from 'react';
import { ApiError } from '../core/errors';

/** What went wrong and what to do next, of a call that just failed (which is announced) or of a failed record. */
export function ErrorNote({
  error
}: {
  error: { message: string; hint: string } | null;
}): JSX.Element | null {
  if (!error) {
    return null;
  }
  return (
    <div className="jp-ModelDeploy-error" role={error instanceof ApiError ? 'alert' : undefined}>
      <div>{error.message}</div>
      {error.hint && <div className="jp-ModelDeploy-hint">{error.hint}</div>}
    </div>
  );
}
