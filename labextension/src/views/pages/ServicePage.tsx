import type { JSX } from 'react';
import type { Workspace } from '../../core/live';
import { useTrans } from '../contexts';
import { ServiceItem } from '../ServiceItem';
import { Missing } from './Missing';
import { PageFrame } from './PageFrame';

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
  const tasks = new Map(workspace.models?.map(model => [model.name, model.task]));
  return (
    <PageFrame title={name}>
      <ul role="list">
        <ServiceItem service={service} tasks={tasks} />
      </ul>
    </PageFrame>
  );
}
