import type { JSX } from 'react';
import type { Translation } from '../../core/translation';
import type { Moved } from '../../core/types';
import { useTrans } from '../contexts';

/** What moving an alias came to, and which running services follow it or do not. */
export function MovedNote({ moved }: { moved: Moved }): JSX.Element {
  const trans = useTrans();
  const { model, after, services, warnings } = moved;
  return (
    <div role="status">
      <p>{headline(moved, trans)}</p>
      {warnings.map(line => (
        <p key={line} className="jp-ModelDeploy-detail">
          {line}
        </p>
      ))}
      {services.map(({ service, version, followed, command }) => (
        <p key={service} className={followed ? undefined : 'jp-ModelDeploy-warning'}>
          {followed
            ? trans.__('%1 serves %2 now.', service, `${model}@${after ?? ''}`)
            : trans.__('%1 still serves %2. To switch it:', service, version)}{' '}
          {!followed && command && <code>{command}</code>}
        </p>
      ))}
    </div>
  );
}

function headline({ model, alias, after, move, request }: Moved, trans: Translation): string {
  const name = `${model}@${alias}`;
  if (request && !move) {
    return trans.__('%1 waits for a second person.', name);
  }
  return after === null
    ? trans.__('%1 points at no version.', name)
    : trans.__('%1 is @%2.', name, after);
}
