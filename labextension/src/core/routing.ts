import type { Routing, RoutingRule, RuleCondition, ServedModel } from './types';

type Value = RuleCondition['value'];

export const OPERATORS: readonly RuleCondition['operator'][] = [
  '=',
  'in',
  'not in',
  'prefix',
  '>=',
  '<='
];
/** What a rule may ask of the input itself, as the server knows it. */
export const FEATURES: readonly string[] = ['characters', 'rows', 'bytes'];
/** The operators that take several values. */
const OF_LISTS = ['in', 'not in', 'prefix'];
const ORDERED = ['>=', '<='];

/** A condition as it is typed: of several values with commas between, or as a JSON list where they have commas in them. */
export interface ConditionDraft {
  attribute: string;
  operator: RuleCondition['operator'];
  value: string;
}

/** A rule as it is typed; `id` stays with it while rules change places. */
export interface RuleDraft {
  id: number;
  name: string;
  conditions: readonly ConditionDraft[];
  /** null where it is split among several, as `shares` says: `1=80, 2=20`. */
  version: number | null;
  shares: string;
}

/** Who gets which version of a served model, as it is typed; numbers of the namespace and of copies are texts too. */
export interface RoutingDraft {
  rules: readonly RuleDraft[];
  /** '' for none. */
  namespace: string;
  start: string;
  end: string;
  copies: readonly CopiesDraft[];
}

/** The share of the requests, in percent, of which a version gets copies. */
export interface CopiesDraft {
  version: number;
  percent: string;
}

export function draftOf({ rules, namespace, shadow }: ServedModel): RoutingDraft {
  return {
    rules: rules.map((rule, id) => ({
      id,
      name: rule.name,
      conditions: rule.conditions.map(({ value, ...one }) => ({ ...one, value: valueText(value) })),
      version: rule.version,
      shares: rule.arms.map(({ version, weight }) => `${version}=${weight}`).join(', ')
    })),
    namespace: namespace?.id ?? '',
    start: String(namespace?.start ?? 0),
    end: String(namespace?.end ?? 1),
    copies: shadow.map(({ version, share }) => ({ version, percent: String(100 * share) }))
  };
}

/** The draft as the API takes it. What cannot be meant goes along as it is: the server says what is wrong with it. */
export function routingOf({ rules, namespace, start, end, copies }: RoutingDraft): Routing {
  return {
    rules: rules.map(ruleOf),
    namespace: namespace.trim()
      ? { id: namespace.trim(), start: Number(start), end: Number(end) }
      : null,
    shadow: copies.map(({ version, percent }) => ({ version, share: Number(percent) / 100 }))
  };
}

/** One that fits what is easily sent, to be changed. */
export function newRule(rules: readonly RuleDraft[], version: number): RuleDraft {
  const id = 1 + Math.max(-1, ...rules.map(rule => rule.id));
  return { id, name: '', conditions: [newCondition()], version, shares: '' };
}

export function newCondition(): ConditionDraft {
  return { attribute: 'region', operator: '=', value: '' };
}

/** The list with the item at `from` in the place of its neighbour at `to`, and that in its own. */
export function swapped<T>(items: readonly T[], from: number, to: number): T[] {
  const others = items.filter((_, place) => place !== from);
  return [...others.slice(0, to), ...items.slice(from, from + 1), ...others.slice(to)];
}

function ruleOf({ name, conditions, version, shares }: RuleDraft): RoutingRule {
  return {
    name: name.trim(),
    conditions: conditions.map(one => ({
      attribute: one.attribute.trim(),
      operator: one.operator,
      value: valueOf(one)
    })),
    version,
    arms: version === null ? armsOf(shares) : []
  };
}

function armsOf(shares: string): RoutingRule['arms'] {
  return parts(shares).map(part => {
    const [number = '', weight = '1'] = part.split('=');
    return { version: Number(number), weight: Number(weight) };
  });
}

function valueOf({ operator, value }: ConditionDraft): Value {
  if (OF_LISTS.includes(operator)) {
    return listed(value) ?? parts(value);
  }
  const number = Number(value);
  return ORDERED.includes(operator) && value.trim() !== '' && Number.isFinite(number)
    ? number
    : value.trim();
}

function valueText(value: Value): string {
  if (!Array.isArray(value)) {
    return String(value);
  }
  const texts = value.map(String);
  const apart = texts.every(text => text !== '' && !text.includes(',') && text === text.trim());
  return apart && !texts[0]?.startsWith('[') ? texts.join(', ') : JSON.stringify(value);
}

/** The list that a text is as JSON; null where it is none. */
function listed(text: string): (string | number)[] | null {
  if (!text.trim().startsWith('[')) {
    return null;
  }
  try {
    return JSON.parse(text) as (string | number)[];
  } catch {
    return null; // one that is being typed, or a text that begins so
  }
}

function parts(text: string): string[] {
  return text
    .split(',')
    .map(part => part.trim())
    .filter(Boolean);
}
