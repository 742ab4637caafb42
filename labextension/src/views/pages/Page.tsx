import type { JSX } from 'react';
import { pathOf, type Address } from '../../core/address';
import type { Workspace } from '../../core/live';
import { DatasetPage } from './DatasetPage';
import { ExperimentPage } from './ExperimentPage';
import { FinetunePage } from './FinetunePage';
import { JobPage } from './JobPage';
import { ModelPage } from './ModelPage';
import { OptimizePage } from './OptimizePage';
import { ServicePage } from './ServicePage';

interface Props {
  address: Address;
  workspace: Workspace;
}

/** The page at an address; nothing until the workspace was heard of. Each begins anew: what was read for one is never shown
 * on another that takes its place. */
export function Page(props: Props): JSX.Element {
  return <PageAt key={pathOf(props.address)} {...props} />;
}

function PageAt({ address, workspace }: Props): JSX.Element | null {
  switch (address.page) {
    case 'model':
      return <ModelPage name={address.name} workspace={workspace} />;
    case 'dataset':
      return <DatasetPage name={address.name} workspace={workspace} />;
    case 'job':
      return <JobPage id={address.id} workspace={workspace} />;
    case 'service':
      return <ServicePage name={address.name} workspace={workspace} />;
    case 'experiment':
      return <ExperimentPage id={address.id} workspace={workspace} />;
    case 'finetune':
      return <FinetunePage base={address.base} dataset={address.dataset} />;
    case 'optimize':
      return <OptimizePage version={address.version} workspace={workspace} />;
  }
}
