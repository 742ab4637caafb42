import { useState, type JSX } from 'react';
import type { AliasPage } from '../../core/types';
import { Confirmation } from '../Confirmation';
import { useApi, useTrans } from '../contexts';
import { ErrorNote } from '../ErrorNote';
import { useAction } from '../useAction';
import { PageButton } from './PageButton';

/** Lets an alias point at nothing, after a question; a rollback brings it back. */
export function RemoveAlias({ page: { model, alias, number } }: { page: AliasPage }): JSX.Element {
  const api = useApi();
  const trans = useTrans();
  const [asking, setAsking] = useState(false);
  const remove = useAction(() => api.removeAlias(model, alias, number ?? 0));
  return (
    <>
      <PageButton
        text={trans.__('Remove')}
        label={trans.__('Remove the alias %1', alias)}
        disabled={remove.busy}
        onClick={() => {
          setAsking(true);
        }}
      />
      {asking && (
        <Confirmation
          question={trans.__('Let %1 point at no version? A rollback brings it back.', alias)}
          action={trans.__('Remove the alias')}
          onConfirm={remove.run}
          onDismiss={() => {
            setAsking(false);
          }}
        />
      )}
      <ErrorNote error={remove.error} />
    </>
  );
}
