import { useState, type JSX } from 'react';
import type { AliasPage, Moved } from '../../core/types';
import { Confirmation } from '../Confirmation';
import { useApi, useTrans } from '../contexts';
import { ErrorNote } from '../ErrorNote';
import { useAction } from '../useAction';
import { useQuestion } from '../useQuestion';
import { AliasHistory } from './AliasHistory';
import { AliasRule } from './AliasRule';
import { FollowBox } from './FollowBox';
import { MovedNote } from './MovedNote';
import { MoveRequestItem } from './MoveRequestItem';
import { PageButton } from './PageButton';
import { RemoveAlias } from './RemoveAlias';

/** One alias: where it points, what must hold before it moves, who asks for it, its history, and the way back. */
export function AliasItem({
  page,
  person
}: {
  page: AliasPage;
  /** Who looks at it. */
  person: string;
}): JSX.Element {
  const api = useApi();
  const trans = useTrans();
  const [follow, setFollow] = useState(false);
  const [moved, setMoved] = useState<Moved | null>(null);
  const { model, alias, number, rolls_back_to: before } = page;
  const [asking, setAsking] = useQuestion(before !== null);
  const rollBack = useAction(async () => {
    setMoved(await api.rollBackAlias(model, alias, number ?? 0, follow));
  });
  return (
    <li data-alias={alias}>
      <div className="jp-ModelDeploy-buttons">
        <strong>{alias}</strong>
        <span className="jp-ModelDeploy-tag">
          {number === null ? trans.__('no version') : `@${number}`}
        </span>
        {before !== null && (
          <PageButton
            text={trans.__('Roll back to @%1', before)}
            label={trans.__('Roll %1 back to @%2', alias, before)}
            disabled={rollBack.busy}
            onClick={() => {
              setAsking(true);
            }}
          />
        )}
        {number !== null && <RemoveAlias page={page} />}
      </div>
      {asking && before !== null && (
        <>
          <FollowBox checked={follow} onChecked={setFollow} />
          <Confirmation
            question={trans.__('Point %1 at @%2 again?', alias, before)}
            action={trans.__('Roll back')}
            onConfirm={rollBack.run}
            onDismiss={() => {
              setAsking(false);
            }}
          />
        </>
      )}
      {moved && <MovedNote moved={moved} />}
      <ErrorNote error={rollBack.error} />
      {page.requests
        .filter(({ state }) => state === 'open')
        .map(request => (
          <MoveRequestItem key={request.id} request={request} person={person} />
        ))}
      <AliasRule page={page} />
      {(page.moves.length > 0 || page.rules.length > 0) && <AliasHistory page={page} />}
    </li>
  );
}
