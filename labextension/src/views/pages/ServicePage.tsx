import { Fragment, type JSX } from 'react';
import type { Workspace } from '../../core/live';
import type { Service } from '../../core/types';
import { useTrans } from '../contexts';
import { TryIt } from '../TryIt';
import { Measure } from './Measure';
import { Missing } from './Missing';
import { PageFrame } from './PageFrame';
import { Parameters } from './Parameters';
import { Part } from './Part';
import { ReportButton } from './ReportButton';
import { RoutingPart } from './RoutingPart';
import { ServiceActivity } from './ServiceActivity';
import { ServiceExperiments } from './ServiceExperiments';
import { ServiceLog } from './ServiceLog';
import { ServiceState } from './ServiceState';
import { Snippets } from './Snippets';
import { TrafficControl } from './TrafficControl';

/** One service: to try it, to steer its traffic and to see how it does. */
export function ServicePage({
  name,
  workspace
}: {
  name: string;
  workspace: Workspace;
}): JSX.Element | null {
  const trans = useTrans();
  const service = workspace.services?.find(one => one.name === name);
  if (!service) {
    return workspace.services && <Missing text={trans.__('There is no service %1.', name)} />;
  }
  const ready = service.state === 'ready';
  return (
    <PageFrame title={name} facts={trans.__('revision %1 · %2', service.revision, service.owner)}>
      <ServiceState service={service} />
      {ready && (
        <>
          <Part title={trans.__('Try it')}>
            <TryIt service={service} />
          </Part>
          <Part title={trans.__('Traffic')}>
            {service.spec.models.map(served => {
              const model = workspace.models?.find(one => one.name === served.model);
              const shown = { service, served, model };
              return (
                <Fragment key={served.model}>
                  <TrafficControl {...shown} />
                  <RoutingPart {...shown} />
                </Fragment>
              );
            })}
          </Part>
          <Part title={trans.__('Experiments')}>
            <ServiceExperiments service={service} workspace={workspace} />
          </Part>
          <Part title={trans.__('Activity')}>
            <ServiceActivity name={name} />
          </Part>
          <Part title={trans.__('Measure')}>
            <ReportButton service={name} />
            {service.spec.models.map(served => (
              <Measure key={served.model} service={name} served={served} />
            ))}
          </Part>
          <Part title={trans.__('Call it')}>
            <Snippets service={service} />
          </Part>
        </>
      )}
      <Part title={trans.__('Settings')}>
        <Parameters label={trans.__('Settings of %1', name)} values={settingsOf(service)} />
      </Part>
      <Part title={trans.__('Log')}>
        <ServiceLog name={name} />
      </Part>
    </PageFrame>
  );
}

/** All but what stands elsewhere on the page, those of one matter beside each other. */
function settingsOf({ spec }: Service): Record<string, unknown> {
  const shown = Object.entries(spec).filter(([name]) => name !== 'name' && name !== 'models');
  return Object.fromEntries(
    shown.flatMap(([name, value]): [string, unknown][] =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.entries(value)
        : [[name, value]]
    )
  );
}
