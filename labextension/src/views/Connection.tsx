import type { JSX } from 'react';
import type { Workspace } from '../core/live';
import { useTrans } from './contexts';

/** Says so while the panel is not up to date. */
export function Connection({ workspace }: { workspace: Workspace }): JSX.Element | null {
  const trans = useTrans();
  const { connection, error } = workspace;
  if (connection === 'live') {
    return null;
  }
  if (connection === 'connecting') {
    return (
      <div className="jp-ModelDeploy-connection" role="status">
        {trans.__('Loading…')}
      </div>
    );
  }
  return (
    <div className="jp-ModelDeploy-connection jp-ModelDeploy-error" role="status">
      <div>{trans.__('Disconnected, retrying…')}</div>
      {error && (
        <div className="jp-ModelDeploy-hint">{[error.message, error.hint].join(' ').trim()}</div>
      )}
    </div>
  );
}
