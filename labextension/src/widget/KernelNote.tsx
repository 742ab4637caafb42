import { useSyncExternalStore, type JSX } from 'react';
import type { Translation } from '../core/translation';
import type { Channel } from './channel';

/** Says that the kernel hears nothing now, or that there is none any more; empty while all is well. */
export function KernelNote({
  channel,
  trans
}: {
  channel: Channel;
  trans: Translation;
}): JSX.Element {
  const state = useSyncExternalStore(channel.subscribe, channel.snapshot);
  const words = {
    ready: '',
    busy: trans.__('The kernel is busy. What is asked here waits until its cell is done.'),
    gone: trans.__('The kernel of this panel has ended. Run its cell again.')
  };
  return (
    <div className="jp-ModelDeploy-kernel" role="status" data-state={state}>
      {words[state]}
    </div>
  );
}
