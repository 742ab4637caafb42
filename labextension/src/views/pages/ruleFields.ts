import type { ApprovalRule } from '../../core/types';

/** One that asks for nothing. */
export const NO_RULE: ApprovalRule = {
  movers: [],
  conditions: [],
  proof: 'none',
  units: 100,
  margin: null,
  second_person: false,
  approvers: []
};

/** As it is typed: units, and a margin in percent or ''. */
export interface AskedProof {
  proof: ApprovalRule['proof'];
  units: string;
  percent: string;
}

/** What a rule asks so far, for the fields. */
export function typed({ proof, units, margin }: ApprovalRule): AskedProof {
  const percent = margin === null ? '' : String(Number((100 * margin).toPrecision(12)));
  return { proof, units: String(units), percent };
}

/** What the fields ask for; of an experiment only where one counts. */
export function askedProof(asked: AskedProof): Pick<ApprovalRule, 'proof' | 'units' | 'margin'> {
  const { proof, units, percent } = asked;
  if (!countsExperiments(asked)) {
    return { proof, units: NO_RULE.units, margin: null };
  }
  return { proof, units: Number(units), margin: percent === '' ? null : Number(percent) / 100 };
}

export function countsExperiments({ proof }: AskedProof): boolean {
  return proof === 'experiment' || proof === 'either';
}

/** Conditions, a line each, each once. */
export function conditionsOf(text: string): string[] {
  return [...new Set(parts(text, '\n'))];
}

/** People, with commas between. */
export function namesOf(text: string): string[] {
  return parts(text, ',');
}

function parts(text: string, between: string): string[] {
  return text
    .split(between)
    .map(part => part.trim())
    .filter(Boolean);
}
