import type { JSX } from 'react';
import type { Version } from '../core/types';
import { useTrans } from './contexts';

/** A word for a version that should not be used for anything new, with who said so and why; nothing for any other. */
export function DeprecatedTag({ version }: { version: Version }): JSX.Element | null {
  const trans = useTrans();
  const { deprecated } = version;
  if (!deprecated) {
    return null;
  }
  const why = trans.__('%1 deprecated it: %2', deprecated.by, deprecated.reason);
  const next = deprecated.successor && trans.__('Use %1 instead', deprecated.successor);
  return (
    <span
      className="jp-ModelDeploy-state"
      data-state="interrupted"
      title={[why, next].filter(Boolean).join('\n')}
    >
      {trans.__('deprecated')}
    </span>
  );
}
