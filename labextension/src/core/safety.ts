import type { Version } from './types';

/** Whether nothing may load the version: something unsafe was found in it, and nobody has said that it is trusted. */
export function isQuarantined({ verdict }: Version): boolean {
  return !!verdict && verdict.findings.length > 0 && !verdict.trusted;
}
