import type { JSX } from 'react';
import type { Version } from '../core/types';
import { useTrans } from './contexts';

/** A word for a version in whose files something unsafe was found, with what it was; nothing for any other. */
export function SafetyTag({ version }: { version: Version }): JSX.Element | null {
  const trans = useTrans();
  const verdict = version.verdict;
  if (!verdict || verdict.findings.length === 0) {
    return null;
  }
  const findings = verdict.findings.map(finding => `${finding.file} ${finding.message}`);
  const trusted = verdict.trusted;
  const word = trusted ? trans.__('trusted') : trans.__('quarantined');
  const next = trusted
    ? trans.__('%1 trusts it: %2', trusted.by, trusted.reason)
    : trans.__('To load it: modeldeploy models trust %1 --reason "…"', version.ref);
  return (
    <span
      className="jp-ModelDeploy-state"
      data-state={trusted ? 'interrupted' : 'failed'}
      data-safety={trusted ? 'trusted' : 'quarantined'}
      title={[...findings, next].join('\n')}
    >
      {word}
    </span>
  );
}
