import type { JSX } from 'react';
import { serviceStateText } from '../core/states';
import type { Job, Service } from '../core/types';
import { Confirmation } from './Confirmation';
import { useTrans } from './contexts';
import { Endpoint } from './Endpoint';
import { ErrorNote } from './ErrorNote';
import { IconButton } from './IconButton';
import { OpenPageButton } from './OpenPageButton';
import { StateTag } from './StateTag';
import { Traffic } from './Traffic';
import { useServiceActions } from './useServiceActions';
import { useQuestion } from './useQuestion';

/** One endpoint: its state, what it serves and what can be done with it. */
export function ServiceItem({
  service,
  experiment
}: {
  service: Service;
  /** The job of the experiment that goes on on its traffic. */
  experiment?: Job;
}): JSX.Element {
  const trans = useTrans();
  const { name, state } = service;
  const { stop, start, remove, stoppable, ended } = useServiceActions(service);
  const [asking, setAsking] = useQuestion(stoppable);
  return (
    <li className="jp-ModelDeploy-item" aria-label={name} data-service={name}>
      <div className="jp-ModelDeploy-line">
        <span className="jp-ModelDeploy-name">{name}</span>
        <span className="jp-ModelDeploy-actions">
          <StateTag state={state} text={serviceStateText(service, trans)} />
          <OpenPageButton
            address={{ page: 'service', name }}
            label={trans.__('Open the page of %1', name)}
          />
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
          {ended && (
            <>
              <IconButton
                icon="play"
                label={trans.__('Start %1', name)}
                disabled={start.busy}
                onClick={start.run}
              />
              <IconButton
                icon="close"
                label={trans.__('Forget %1', name)}
                disabled={start.busy || remove.busy}
                onClick={remove.run}
              />
            </>
          )}
        </span>
      </div>
      {service.spec.models.map(served => (
        <Traffic key={served.model} served={served} />
      ))}
      {experiment && (
        <div className="jp-ModelDeploy-line jp-ModelDeploy-detail">
          <span>{trans.__('Experiment: %1', experiment.title)}</span>
          <OpenPageButton
            address={{ page: 'experiment', id: experiment.id }}
            label={trans.__('Open the experiment on %1', name)}
          />
        </div>
      )}
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
      <ErrorNote error={stop.error ?? start.error ?? remove.error ?? service.error} />
      {state === 'ready' && <Endpoint service={service} />}
    </li>
  );
}
