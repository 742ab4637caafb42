import { useState, type JSX } from 'react';
import { experimentsOf, isLiving } from '../core/jobs';
import type { Job, Model, Service } from '../core/types';
import { useTrans } from './contexts';
import { GrowingList } from './GrowingList';
import { IconButton } from './IconButton';
import { Section } from './Section';
import { ServeForm } from './ServeForm';
import { ServiceItem } from './ServiceItem';
import { useFilter } from './useFilter';

const FIRST_STEP = 'modeldeploy serve MODEL --name SERVICE';

export function ServicesSection({
  services,
  models,
  jobs
}: {
  services: readonly Service[] | null;
  /** What can be served. */
  models: readonly Model[] | null;
  /** Among which are the experiments on what is served. */
  jobs: readonly Job[] | null;
}): JSX.Element {
  const trans = useTrans();
  const [adding, setAdding] = useState(false);
  const [matching, filter] = useFilter(services, textOf);
  const ready = services?.filter(({ state }) => state === 'ready').length;
  return (
    <Section
      title={trans.__('Services')}
      count={services?.length ?? null}
      active={ready ? trans._n('%1 ready', '%1 ready', ready, ready) : undefined}
      filter={filter}
      actions={
        <IconButton
          icon="add"
          label={trans.__('Serve a version')}
          expanded={adding}
          onClick={() => {
            setAdding(!adding);
          }}
        />
      }
    >
      {services?.length === 0 && !adding && (
        <div className="jp-ModelDeploy-empty">
          <p>{trans.__('Nothing is served. Serve a version with +, or in a terminal:')}</p>
          <code>{FIRST_STEP}</code>
        </div>
      )}
      {adding && models && (
        <ServeForm
          models={models}
          onServed={() => {
            setAdding(false);
          }}
        />
      )}
      <GrowingList label={trans.__('Services')} items={matching}>
        {service => (
          <ServiceItem
            key={service.name}
            service={service}
            experiment={experimentsOf(service.name, jobs ?? []).find(job => isLiving(job))}
          />
        )}
      </GrowingList>
    </Section>
  );
}

function textOf({ name, state, spec }: Service): string {
  return [name, state, ...spec.models.map(({ model }) => model)].join(' ');
}
