import { useState, type JSX } from 'react';
import type { Translation } from '../core/translation';
import type { Service } from '../core/types';
import { Confirmation } from './Confirmation';
import { useApi, useTrans } from './contexts';
import { CopyButton } from './CopyButton';
import { ErrorNote } from './ErrorNote';
import { Icon } from './Icon';
import { IconButton } from './IconButton';
import { StateTag } from './StateTag';
import { Traffic } from './Traffic';
import { TryIt } from './TryIt';
import { useAction } from './useAction';

/** One endpoint: where it is, what it serves, and a box to try it. `tasks` is by model. */
export function ServiceItem({
  service,
  tasks
}: {
  service: Service;
  tasks: Map<string, string>;
}): JSX.Element {
  const api = useApi();
  const trans = useTrans();
  const [asking, setAsking] = useState(false);
  const [trying, setTrying] = useState(false);
  const { name, state, url } = service;
  const stop = useAction(async () => {
    await api.stopService(name);
  });
  const start = useAction(async () => {
    await api.startService(name);
  });
  const ready = state === 'ready';
  const stoppable = ready || state === 'starting';
  return (
    <li className="jp-ModelDeploy-item" aria-label={name}>
      <div className="jp-ModelDeploy-line">
        <span className="jp-ModelDeploy-name">{name}</span>
        <span className="jp-ModelDeploy-actions">
          <StateTag state={state} text={stateText(service, trans)} />
          {stoppable && (
            <IconButton
              icon="stop"
              label={trans.__('Stop %1', name)}
              disabled={stop.busy}
              onClick={() => {
                setAsking(true);
              }}
            />
          )}
          {(state === 'stopped' || state === 'failed') && (
            <IconButton
              icon="play"
              label={trans.__('Start %1', name)}
              disabled={start.busy}
              onClick={start.run}
            />
          )}
        </span>
      </div>
      {ready && url && (
        <div className="jp-ModelDeploy-line jp-ModelDeploy-detail">
          <code className="jp-ModelDeploy-url">{url}</code>
          <CopyButton text={url} label={trans.__('Copy the URL of %1', name)} />
        </div>
      )}
      {service.spec.models.map(served => (
        <Traffic key={served.model} served={served} />
      ))}
      {stoppable && asking && (
        <Confirmation
          question={trans.__('Stop %1? Its clients will be refused.', name)}
          action={trans.__('Stop the service')}
          onConfirm={stop.run}
          onDismiss={() => {
            setAsking(false);
          }}
        />
      )}
      <ErrorNote error={stop.error ?? start.error ?? service.error} />
      {ready && (
        <button
          type="button"
          className="jp-ModelDeploy-link"
          aria-expanded={trying}
          aria-label={trans.__('Try %1', name)}
          onClick={() => {
            setTrying(!trying);
          }}
        >
          <Icon name="caret" />
          {trans.__('Try it')}
        </button>
      )}
      {ready && trying && <TryIt service={service} tasks={tasks} />}
    </li>
  );
}

function stateText(service: Service, trans: Translation): string {
  switch (service.state) {
    case 'starting':
      return trans.__('starting');
    case 'ready':
      return service.spec.replicas > 1
        ? trans.__('ready (%1)', service.replicas_ready)
        : trans.__('ready');
    case 'stopping':
      return trans.__('stopping');
    case 'stopped':
      return trans.__('stopped');
    case 'failed':
      return trans.__('failed');
  }
}
