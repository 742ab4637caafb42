import type { JSX } from 'react';
import type { Workspace } from '../../core/live';
import { useTrans } from '../contexts';
import { ModelItem } from '../ModelItem';
import { Missing } from './Missing';
import { PageFrame } from './PageFrame';

/** All that is known of a model and its versions. */
export function ModelPage({
  name,
  workspace
}: {
  name: string;
  workspace: Workspace;
}): JSX.Element | null {
  const trans = useTrans();
  const model = workspace.models?.find(one => one.name === name);
  if (!model) {
    return workspace.models && <Missing text={trans.__('There is no model %1.', name)} />;
  }
  return (
    <PageFrame title={name} facts={model.task}>
      <ul role="list">
        <ModelItem model={model} />
      </ul>
    </PageFrame>
  );
}
