import type { JSX } from 'react';
import type { Translation } from '../../core/translation';
import type { Experiment } from '../../core/types';
import { useTrans } from '../contexts';

/** What the intervals mean, and what was compared. */
export function MethodNote({ found }: { found: Experiment }): JSX.Element {
  const trans = useTrans();
  const methods = [...new Set(found.metrics.map(({ method }) => method))].filter(Boolean);
  return (
    <>
      {found.kind !== 'offline' && <p>{meaning(found, trans)}</p>}
      <p className="jp-ModelDeploy-detail">{kindText(found, trans)}</p>
      {methods.length > 0 && <p className="jp-ModelDeploy-detail">{methods.join('; ')}</p>}
    </>
  );
}

function meaning({ method }: Experiment, trans: Translation): string {
  switch (method) {
    case 'sequence':
      return trans.__(
        'The intervals are confidence sequences: they hold at all times at once, so you may look as often as you like and stop whenever you like.'
      );
    case 'fixed':
      return trans.__(
        'The intervals are for one look, at the end: who looks in between and stops at what looks good is wrong more often than they say.'
      );
    case 'stages':
      return trans.__(
        'The intervals are for looks at planned stages: each look spends a part of the risk, and all together are wrong no more often than they say.'
      );
  }
}

function kindText({ kind, unit }: Experiment, trans: Translation): string {
  switch (kind) {
    case 'live':
      return unit === 'request'
        ? trans.__("On the service's own traffic, split by request.")
        : trans.__("On the service's own traffic, split by unit: a user stays with one version.");
    case 'generated':
      return trans.__('On traffic that was made for the comparison.');
    case 'offline':
      return trans.__('On labelled rows, of which both versions answered each.');
  }
}
