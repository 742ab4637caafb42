import type { JSX } from 'react';
import type { Translation } from '../../core/translation';
import type { ApprovalRule } from '../../core/types';
import { useTrans } from '../contexts';
import { formatCount, formatShare } from '../format';

/** What must hold before an alias moves; nothing where nothing is asked. */
export function RuleLines({ rule }: { rule: ApprovalRule }): JSX.Element | null {
  const trans = useTrans();
  const lines = linesOf(rule, trans);
  if (lines.length === 0) {
    return null;
  }
  return (
    <ul className="jp-ModelDeploy-detail" aria-label={trans.__('Rule')}>
      {lines.map(line => (
        <li key={line}>{line}</li>
      ))}
    </ul>
  );
}

function linesOf(rule: ApprovalRule, trans: Translation): string[] {
  const lines = rule.conditions.map(condition => trans.__('asks for %1', condition));
  if (rule.proof === 'evaluation') {
    lines.push(trans.__('asks for an evaluation that does not find it worse'));
  } else if (rule.proof !== 'none') {
    if (rule.proof === 'either') {
      lines.push(trans.__('asks for an evaluation that does not find it worse, or an experiment'));
    }
    const units = formatCount(rule.units);
    lines.push(
      rule.margin === null
        ? trans.__('asks an experiment for %1 units of each version, and to find it better', units)
        : trans.__(
            'asks an experiment for %1 units of each version, and to find it better, or worse by less than %2',
            units,
            formatShare(rule.margin)
          )
    );
  }
  if (rule.movers.length > 0) {
    lines.push(trans.__('may be moved by %1', rule.movers.join(', ')));
  }
  if (rule.approvers.length > 0) {
    lines.push(trans.__('is approved by %1', rule.approvers.join(', ')));
  } else if (rule.second_person) {
    lines.push(trans.__('is approved by a second person'));
  }
  return lines;
}
