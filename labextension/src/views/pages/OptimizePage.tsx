import { useState, type JSX } from 'react';
import type { Workspace } from '../../core/live';
import { isQuarantined } from '../../core/safety';
import { useOpenPage, useTrans } from '../contexts';
import { OptimizeForm } from '../OptimizeForm';
import { Missing } from './Missing';
import { PageFrame } from './PageFrame';

/** The form that starts a search for a better form of a version; asks for the version where none is given. */
export function OptimizePage({
  version: given = '',
  workspace
}: {
  version?: string;
  workspace: Workspace;
}): JSX.Element | null {
  const trans = useTrans();
  const openPage = useOpenPage();
  const [chosen, setChosen] = useState(given);
  const versions = workspace.models?.flatMap(model => model.versions);
  const offered = versions?.filter(version => !isQuarantined(version));
  const version = offered?.find(({ ref }) => ref === chosen);
  if (!offered) {
    return null;
  }
  if (offered.length === 0) {
    return <Missing text={trans.__('There is no version to optimise yet. Fetch a model first.')} />;
  }
  return (
    <PageFrame title={trans.__('Optimise a model')}>
      <label className="jp-ModelDeploy-field">
        {trans.__('Version')}
        <select
          value={version ? chosen : ''}
          onChange={event => {
            setChosen(event.target.value);
          }}
        >
          <option value="">{trans.__('choose one')}</option>
          {offered.map(({ ref }) => (
            <option key={ref}>{ref}</option>
          ))}
        </select>
      </label>
      {version && (
        <OptimizeForm
          key={version.ref}
          version={version}
          onStarted={job => {
            openPage?.({ page: 'job', id: job.id });
          }}
        />
      )}
    </PageFrame>
  );
}
