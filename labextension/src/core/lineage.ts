import type { Version } from './types';

const TRAINING = ['fine-tuned', 'distilled', 'pruned'];

/** Whether a training made the version, so that there is a program that does it again. */
export function isTrained({ lineage }: Version): boolean {
  return TRAINING.includes(lineage.step) && Boolean(lineage.dataset);
}
