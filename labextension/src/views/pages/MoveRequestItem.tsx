import { useState, type JSX } from 'react';
import type { MoveRequest } from '../../core/types';
import { useApi, useTrans } from '../contexts';
import { ErrorNote } from '../ErrorNote';
import { useAction } from '../useAction';
import { PageButton } from './PageButton';

/** Somebody's wish to move an alias: `person` approves or refuses it by name and says why, and takes back an own one. */
export function MoveRequestItem({
  request: { id, by, number, reason },
  person
}: {
  request: MoveRequest;
  person: string;
}): JSX.Element {
  const api = useApi();
  const trans = useTrans();
  const [note, setNote] = useState('');
  const decide = useAction((approved: boolean) =>
    approved ? api.approveRequest(id, note.trim()) : api.refuseRequest(id, note.trim())
  );
  const own = by === person;
  return (
    <>
      <div className="jp-ModelDeploy-buttons">
        <span>{trans.__('%1 asks for @%2. %3', by, number, reason)}</span>
        <input
          className="jp-ModelDeploy-note"
          value={note}
          placeholder={trans.__('Why')}
          aria-label={trans.__('Why you decide so on what %1 asks for', by)}
          onChange={event => {
            setNote(event.target.value);
          }}
        />
        {!own && (
          <PageButton
            text={trans.__('Approve as %1', person)}
            label={trans.__('Approve as %1 what %2 asks for', person, by)}
            main
            disabled={decide.busy}
            onClick={() => {
              decide.run(true);
            }}
          />
        )}
        <PageButton
          text={own ? trans.__('Take back') : trans.__('Refuse')}
          label={
            own ? trans.__('Take back what you ask for') : trans.__('Refuse what %1 asks for', by)
          }
          disabled={decide.busy}
          onClick={() => {
            decide.run(false);
          }}
        />
      </div>
      <ErrorNote error={decide.error} />
    </>
  );
}
