import type { JSX } from 'react';
/** What went wrong and what to do next, of a failed call or a failed record. */
export function ErrorNote({
  error
}: {
  error: { message: string; hint: string } | null;
}): JSX.Element | null {
  if (!error) {
    return null;
  }
  return (
    <div className="jp-ModelDeploy-error" role="alert">
      <div>{error.message}</div>
      {error.hint && <div className="jp-ModelDeploy-hint">{error.hint}</div>}
    </div>
  );
}
