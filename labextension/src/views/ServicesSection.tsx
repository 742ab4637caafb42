import type { JSX } from 'react';
import type { Model, Service } from '../core/types';
import { useTrans } from './contexts';
import { Section } from './Section';
import { ServiceItem } from './ServiceItem';

const FIRST_STEP = 'modeldeploy serve MODEL --name SERVICE';

interface Props {
  services: readonly Service[] | null;
  models: readonly Model[] | null;
}

export function ServicesSection({ services, models }: Props): JSX.Element {
  const trans = useTrans();
  const tasks = new Map(models?.map(model => [model.name, model.task]));
  return (
    <Section title={trans.__('Services')} count={services?.length ?? null}>
      {services?.length === 0 && (
        <div className="jp-ModelDeploy-empty">
          <p>{trans.__('Nothing is served. Serve a version above, or in a terminal:')}</p>
          <code>{FIRST_STEP}</code>
        </div>
      )}
      <ul role="list" aria-label={trans.__('Services')}>
        {services?.map(service => (
          <ServiceItem key={service.name} service={service} tasks={tasks} />
        ))}
      </ul>
    </Section>
  );
}
