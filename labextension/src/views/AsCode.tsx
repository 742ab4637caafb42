import { useState, type JSX } from 'react';
import type { Writable } from '../core/types';
import { useApi, useInsertCode, useTrans } from './contexts';
import { CopyButton } from './CopyButton';
import { ErrorNote } from './ErrorNote';
import { IconButton } from './IconButton';
import { useAction } from './useAction';
import { useAnswer } from './useAnswer';

interface Props {
  operation: Writable;
  /** What the form would send it. */
  request: object;
}

/** A form as the Python that does the same: shown when it is unfolded, and anew with what is typed. */
export function AsCode(wanted: Props): JSX.Element {
  const trans = useTrans();
  const [open, setOpen] = useState(false);
  return (
    <details
      className="jp-ModelDeploy-more"
      onToggle={event => {
        setOpen(event.currentTarget.open);
      }}
    >
      <summary>{trans.__('Show as code')}</summary>
      {open && <Source {...wanted} />}
    </details>
  );
}

function Source(wanted: Props): JSX.Element {
  const api = useApi();
  const trans = useTrans();
  const insertCode = useInsertCode();
  const { answer: source, error } = useAnswer(JSON.stringify(wanted), () =>
    api.writeCode(wanted.operation, wanted.request)
  );
  const insert = useAction(async () => {
    await insertCode(source ?? '');
  });
  return (
    <>
      {source && !error && (
        <>
          <pre
            className="jp-ModelDeploy-log"
            role="region"
            tabIndex={0}
            aria-label={trans.__('The form as Python')}
          >
            {source}
          </pre>
          <CopyButton text={source} label={trans.__('Copy the code')} />
          <IconButton
            icon="insert"
            label={trans.__('Insert the code into the notebook')}
            disabled={insert.busy}
            onClick={insert.run}
          />
        </>
      )}
      <ErrorNote error={insert.error ?? error} />
    </>
  );
}
