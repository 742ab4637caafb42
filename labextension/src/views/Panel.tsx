import type { JSX } from 'react';
import type { Workspace } from '../core/live';
import { DatasetsSection } from './DatasetsSection';
import { DevicesSection } from './DevicesSection';
import { JobsSection } from './JobsSection';
import { ModelsSection } from './ModelsSection';
import { ServicesSection } from './ServicesSection';

/** The workspace at a glance: what there is, what is at work, what is served. */
export function Panel({ workspace }: { workspace: Workspace }): JSX.Element {
  return (
    <>
      <ModelsSection models={workspace.models} />
      <DatasetsSection datasets={workspace.datasets} />
      <JobsSection jobs={workspace.jobs} />
      <ServicesSection
        services={workspace.services}
        models={workspace.models}
        jobs={workspace.jobs}
      />
      <DevicesSection jobs={workspace.jobs} />
    </>
  );
}
