/** A JSON Schema as far as options of operations use it. `x-tasks` and `x-methods` say for which tasks of a dataset and
 * which methods an option means something; without them it always does. */
export interface OptionSchema {
  type?: string;
  enum?: (string | number)[];
  const?: string;
  anyOf?: OptionSchema[];
  items?: OptionSchema;
  default?: unknown;
  description?: string;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  'x-tasks'?: string[];
  'x-methods'?: string[];
}

export type OptionValue = string | number | boolean | string[];
/** What was typed, chosen or ticked. */
export type TypedValue = string | boolean | string[];

/** One option as a form asks for it; `standard` is what is taken where nothing is said, null what the task decides. */
export interface OptionField {
  name: string;
  kind: 'choice' | 'several' | 'integer' | 'number' | 'flag' | 'text';
  choices: string[];
  /** Whether what is chosen or typed is a number to the API. */
  numeric: boolean;
  standard: OptionValue | null;
  minimum?: number;
  maximum?: number;
  /** Above, not at. */
  above?: number;
  /** Below, not at. */
  below?: number;
  tasks?: string[];
  methods?: string[];
  help: string;
}

/** What is wrong with a typed number. */
export interface Misfit {
  kind: 'no-number' | 'no-integer' | 'too-small' | 'too-large' | 'not-above' | 'not-below';
  limit: number;
}

/** The options that a form can ask for, in the schema's order. */
export function optionFields(properties: Record<string, OptionSchema>): OptionField[] {
  return Object.entries(properties).flatMap(([name, schema]) => fieldOf(name, schema) ?? []);
}

/** Whether an option means something for data of this task, learnt by this method; what is not known is no reason. */
export function matters(field: OptionField, task?: string, method?: string): boolean {
  return (
    (task === undefined || !field.tasks || field.tasks.includes(task)) &&
    (method === undefined || !field.methods || field.methods.includes(method))
  );
}

/** Why what was typed cannot be taken; null where it can. */
export function misfitOf(field: OptionField, typed: TypedValue | undefined): Misfit | null {
  if (
    typeof typed !== 'string' ||
    typed.trim() === '' ||
    !['integer', 'number'].includes(field.kind)
  ) {
    return null;
  }
  const value = Number(typed);
  const { minimum, maximum, above, below } = field;
  if (!Number.isFinite(value)) {
    return { kind: 'no-number', limit: 0 };
  }
  if (field.kind === 'integer' && !Number.isInteger(value)) {
    return { kind: 'no-integer', limit: 0 };
  }
  if (minimum !== undefined && value < minimum) {
    return { kind: 'too-small', limit: minimum };
  }
  if (maximum !== undefined && value > maximum) {
    return { kind: 'too-large', limit: maximum };
  }
  if (above !== undefined && value <= above) {
    return { kind: 'not-above', limit: above };
  }
  if (below !== undefined && value >= below) {
    return { kind: 'not-below', limit: below };
  }
  return null;
}

/** What was typed or chosen, as the API takes it. */
export function asOptions(
  fields: OptionField[],
  typed: Record<string, TypedValue>
): Record<string, OptionValue> {
  return Object.fromEntries(
    fields.flatMap(({ name, numeric }): [string, OptionValue][] => {
      const value = typed[name];
      if (value === undefined || value === '') {
        return [];
      }
      return [[name, numeric ? Number(value) : typeof value === 'string' ? value.trim() : value]];
    })
  );
}

function fieldOf(name: string, schema: OptionSchema): OptionField | null {
  const known = schema.anyOf?.find(one => one.type !== 'null') ?? schema;
  const named = known.type === 'array' ? known.items : known;
  const choices = (named?.enum ?? (named?.const === undefined ? [] : [named.const])).map(String);
  const kind =
    choices.length > 0 ? (known.type === 'array' ? 'several' : 'choice') : kindOf(known.type);
  if (kind === null) {
    return null;
  }
  return {
    name,
    kind,
    choices,
    numeric: known.type === 'integer' || known.type === 'number',
    standard: (schema.default ?? null) as OptionValue | null,
    minimum: known.minimum,
    maximum: known.maximum,
    above: known.exclusiveMinimum,
    below: known.exclusiveMaximum,
    tasks: schema['x-tasks'],
    methods: schema['x-methods'],
    help: schema.description ?? ''
  };
}

function kindOf(type: string | undefined): OptionField['kind'] | null {
  switch (type) {
    case 'boolean':
      return 'flag';
    case 'string':
      return 'text';
    case 'integer':
    case 'number':
      return type;
    default:
      return null;
  }
}
