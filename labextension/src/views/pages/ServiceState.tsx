import { useState, type JSX } from 'react';
import { serviceStateText } from '../../core/states';
import type { Service } from '../../core/types';
import { Confirmation } from '../Confirmation';
import { useApi, useTrans } from '../contexts';
import { CopyButton } from '../CopyButton';
import { ErrorNote } from '../ErrorNote';
import { StateTag } from '../StateTag';
import { useAction } from '../useAction';
import { useServiceActions } from '../useServiceActions';
import { useQuestion } from '../useQuestion';
import { PageButton } from './PageButton';

/** Whether a service answers and where, and what can be done with it as a whole. */
export function ServiceState({ service }: { service: Service }): JSX.Element {
  const api = useApi();
  const trans = useTrans();
  const { name, state, url } = service;
  const { stop, start, remove, stoppable, ended } = useServiceActions(service);
  const [asking, setAsking] = useQuestion(stoppable);
  const rollback = useAction(async () => {
    await api.rollbackService(name);
  });
  const scale = useAction(async (replicas: number) => {
    await api.changeService(name, { replicas });
  });
  const changing = rollback.busy || scale.busy;
  return (
    <div className="jp-ModelDeploy-part">
      <div className="jp-ModelDeploy-buttons">
        <StateTag
          state={state}
          text={changing ? trans.__('changing…') : serviceStateText(service, trans)}
        />
        {url && (
          <>
            <code className="jp-ModelDeploy-url">{url}</code>
            <CopyButton text={url} label={trans.__('Copy the URL of %1', name)} />
          </>
        )}
      </div>
      <div className="jp-ModelDeploy-buttons">
        {stoppable && (
          <PageButton
            text={trans.__('Stop')}
            label={trans.__('Stop %1', name)}
            disabled={stop.busy}
            onClick={() => {
              setAsking(true);
            }}
          />
        )}
        {state === 'ready' && (
          <Replicas
            key={service.spec.replicas}
            now={service.spec.replicas}
            busy={scale.busy}
            onScale={scale.run}
          />
        )}
        {state === 'ready' && service.history.length > 0 && (
          <PageButton
            text={trans.__('Roll back')}
            label={trans.__('Go back to how %1 was before its last change', name)}
            disabled={rollback.busy}
            onClick={rollback.run}
          />
        )}
        {ended && (
          <>
            <PageButton
              text={trans.__('Start')}
              label={trans.__('Start %1', name)}
              main
              disabled={start.busy}
              onClick={start.run}
            />
            <PageButton
              text={trans.__('Forget')}
              label={trans.__('Forget %1', name)}
              disabled={start.busy || remove.busy}
              onClick={remove.run}
            />
          </>
        )}
      </div>
      {service.notes.map(note => (
        <p key={note} className="jp-ModelDeploy-warning">
          {note}
        </p>
      ))}
      {asking && (
        <Confirmation
          question={trans.__('Stop %1? Its clients will be refused.', name)}
          action={trans.__('Stop the service')}
          onConfirm={stop.run}
          onDismiss={() => {
            setAsking(false);
          }}
        />
      )}
      <ErrorNote
        error={
          stop.error ??
          start.error ??
          remove.error ??
          rollback.error ??
          scale.error ??
          service.error
        }
      />
    </div>
  );
}

/** How many server processes there should be; a button makes it so. */
function Replicas({
  now,
  busy,
  onScale
}: {
  now: number;
  busy: boolean;
  onScale: (replicas: number) => void;
}): JSX.Element {
  const trans = useTrans();
  const [wanted, setWanted] = useState(String(now));
  return (
    <form
      className="jp-ModelDeploy-scale"
      onSubmit={event => {
        event.preventDefault();
        onScale(Number(wanted));
      }}
    >
      <label>
        {trans.__('Server processes')}{' '}
        <input
          type="number"
          min={1}
          max={64}
          required
          value={wanted}
          disabled={busy}
          onChange={event => {
            setWanted(event.target.value);
          }}
        />
      </label>
      {wanted !== String(now) && (
        <button type="submit" className="jp-ModelDeploy-button" disabled={busy}>
          {trans.__('Scale')}
        </button>
      )}
    </form>
  );
}
