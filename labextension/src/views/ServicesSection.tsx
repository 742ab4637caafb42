import type { JSX } from 'react';
import type { Service } from '../core/types';
import { useTrans } from './contexts';
import { GrowingList } from './GrowingList';
import { Section } from './Section';
import { ServiceItem } from './ServiceItem';
import { useFilter } from './useFilter';

const FIRST_STEP = 'modeldeploy serve MODEL --name SERVICE';

export function ServicesSection({
  services
}: {
  services: readonly Service[] | null;
}): JSX.Element {
  const trans = useTrans();
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
        {service => <ServiceItem key={service.name} service={service} />}
      </GrowingList>
    </Section>
  );
}

function textOf({ name, state, spec }: Service): string {
  return [name, state, ...spec.models.map(({ model }) => model)].join(' ');
}
