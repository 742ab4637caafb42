import type { Translation } from './translation';
import type { Job, Service } from './types';

/** What a job is doing, or how it ended. */
export function jobStateText({ state, progress }: Job, trans: Translation): string {
  switch (state) {
    case 'queued':
      return progress.message || trans.__('queued');
    case 'running':
      return progress.message || trans.__('running');
    case 'succeeded':
      return trans.__('succeeded');
    case 'failed':
      return trans.__('failed');
    case 'cancelled':
      return trans.__('cancelled');
    case 'interrupted':
      return trans.__('interrupted');
  }
}

export function serviceStateText(
  { state, spec, replicas_ready: ready }: Service,
  trans: Translation
): string {
  switch (state) {
    case 'starting':
      return trans.__('starting');
    case 'ready':
      return spec.replicas > 1 ? trans.__('ready (%1)', ready) : trans.__('ready');
    case 'stopping':
      return trans.__('stopping');
    case 'stopped':
      return trans.__('stopped');
    case 'failed':
      return trans.__('failed');
  }
}
