import type { JSX } from 'react';
import type { MoveRequest } from '../../core/types';
import { useApi, useTrans } from '../contexts';
import { ErrorNote } from '../ErrorNote';
import { useAction } from '../useAction';
import { PageButton } from './PageButton';

/** What others ask for, to be approved or refused; decided requests are left out. */
export function MoveRequests({
  requests,
  onDecided
}: {
  requests: readonly MoveRequest[];
  onDecided: () => void;
}): JSX.Element {
  const api = useApi();
  const trans = useTrans();
  const approve = useAction(async (id: string) => {
    await api.approveRequest(id);
    onDecided();
  });
  const refuse = useAction(async (id: string) => {
    await api.refuseRequest(id);
    onDecided();
  });
  const busy = approve.busy || refuse.busy;
  return (
    <>
      {requests
        .filter(({ state }) => state === 'open')
        .map(({ id, by, number, reason }) => (
          <div key={id} className="jp-ModelDeploy-buttons">
            <span>{trans.__('%1 asks for @%2. %3', by, number, reason)}</span>
            <PageButton
              text={trans.__('Approve')}
              label={trans.__('Approve what %1 asks for', by)}
              disabled={busy}
              onClick={() => {
                approve.run(id);
              }}
            />
            <PageButton
              text={trans.__('Refuse')}
              label={trans.__('Refuse what %1 asks for', by)}
              disabled={busy}
              onClick={() => {
                refuse.run(id);
              }}
            />
          </div>
        ))}
      <ErrorNote error={approve.error ?? refuse.error} />
    </>
  );
}
