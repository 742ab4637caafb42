import { useCallback, useEffect, useRef, useSyncExternalStore, type JSX } from 'react';
import type { Address } from '../core/address';
import type { Workspace } from '../core/live';
import { DatasetsSection } from '../views/DatasetsSection';
import { DevicesSection } from '../views/DevicesSection';
import { JobsSection } from '../views/JobsSection';
import { ModelsSection } from '../views/ModelsSection';
import { Page } from '../views/pages/Page';
import { ServicesSection } from '../views/ServicesSection';
import { Surroundings, type Given } from '../views/Surroundings';
import { useSeen } from '../views/useSeen';
import type { Channel } from './channel';
import { KernelNote } from './KernelNote';
import { Report, type Subject } from './Report';
import { usePages } from './usePages';

/** What a panel shows while no page is open in it: a list, or a page of its own. */
export type Home =
  { view: 'models' | 'jobs' | 'services' | 'devices' } | ({ view: 'report' } & Subject) | Address;

/** What Python and the panel tell each other: the names are those of the widget's traits. */
export interface Traits {
  home: Home;
  address: Address | null;
}

export interface TraitModel {
  get<K extends keyof Traits>(name: K): Traits[K];
  set<K extends keyof Traits>(name: K, value: Traits[K]): void;
  save_changes(): void;
  on(event: `change:${keyof Traits}`, listener: () => void): void;
  off(event: `change:${keyof Traits}`, listener: () => void): void;
}

/** One panel: its home, or the page that is open in it, for as long as somebody sees it up to date. */
export function WidgetPanel({
  model,
  channel,
  given
}: {
  model: TraitModel;
  channel: Channel;
  given: Omit<Given, 'openPage'>;
}): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const seen = useSeen(place);
  const { live, trans } = given;
  useEffect(() => (seen ? live.follow() : undefined), [live, seen]);
  const home = useTrait(model, 'home');
  const address = useTrait(model, 'address');
  const { openPage, goBack } = usePages(model);
  return (
    <div ref={place} className="jp-ModelDeploy-panel">
      <KernelNote channel={channel} trans={trans} />
      <Surroundings given={{ ...given, openPage }}>
        {workspace => (
          <>
            {address && (
              <button type="button" className="jp-ModelDeploy-back" onClick={goBack}>
                {trans.__('Back')}
              </button>
            )}
            <Shown shown={address ?? home} workspace={workspace} />
          </>
        )}
      </Surroundings>
    </div>
  );
}

function Shown({ shown, workspace }: { shown: Home; workspace: Workspace }): JSX.Element | null {
  if ('page' in shown) {
    return <Page address={shown} workspace={workspace} />;
  }
  switch (shown.view) {
    case 'models':
      return (
        <>
          <ModelsSection models={workspace.models} />
          <DatasetsSection datasets={workspace.datasets} />
        </>
      );
    case 'jobs':
      return <JobsSection jobs={workspace.jobs} />;
    case 'services':
      return (
        <ServicesSection
          services={workspace.services}
          models={workspace.models}
          jobs={workspace.jobs}
        />
      );
    case 'devices':
      return <DevicesSection jobs={workspace.jobs} />;
    case 'report':
      return <Report subject={shown} workspace={workspace} />;
  }
}

function useTrait<K extends keyof Traits>(model: TraitModel, name: K): Traits[K] {
  const subscribe = useCallback(
    (listener: () => void) => {
      model.on(`change:${name}`, listener);
      return () => {
        model.off(`change:${name}`, listener);
      };
    },
    [model, name]
  );
  return useSyncExternalStore(subscribe, () => model.get(name));
}
