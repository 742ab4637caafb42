import type { JSX } from 'react';
import type { Model, Service } from '../core/types';
import { useTrans } from './contexts';
import { GrowingList } from './GrowingList';
import { Section } from './Section';
import { ServiceItem } from './ServiceItem';
import { useFilter } from './useFilter';

const FIRST_STEP = 'modeldeploy serve MODEL --name SERVICE';

interface Props {
  services: readonly Service[] | null;
  models: readonly Model[] | null;
}

export function ServicesSection({ services, models }: Props): JSX.Element {
  const trans = useTrans();
  const tasks = new Map(models?.map(model => [model.name, model.task]));
  const [matching, filter] = useFilter(services, textOf);
  const ready = services?.filter(({ state }) => state === 'ready').length;
  return (
    <Section
      title={trans.__('Services')}
      count={services?.length ?? null}
      active={ready ? trans._n('%1 ready', '%1 ready', ready, ready) : undefined}
      filter={filter}
    >
      {services?.length === 0 && (
        <div className="jp-ModelDeploy-empty">
          <p>{trans.__('Nothing is served. Serve a version above, or in a terminal:')}</p>
          <code>{FIRST_STEP}</code>
        </div>
      )}
      <GrowingList label={trans.__('Services')} items={matching}>
        {service => <ServiceItem key={service.name} service={service} tasks={tasks} />}
      </GrowingList>
    </Section>
  );
}

function textOf({ name, state, spec }: Service): string {
  return [name, state, ...spec.models.map(({ model }) => model)].join(' ');
}
