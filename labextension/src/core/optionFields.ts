/** A JSON Schema as far as options of operations use it. */
export interface OptionSchema {
  type?: string;
  enum?: string[];
  const?: string;
  anyOf?: OptionSchema[];
  default?: unknown;
  description?: string;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
}

export type OptionValue = string | number | boolean;

/** One option as a form asks for it; `standard` is what is taken where nothing is said, null what the task decides. */
export interface OptionField {
  name: string;
  kind: 'choice' | 'integer' | 'number' | 'flag';
  choices: string[];
  standard: OptionValue | null;
  minimum?: number;
  maximum?: number;
  help: string;
}

/** The options that a form can ask for, in the schema's order; lists are left to other doors. */
export function optionFields(properties: Record<string, OptionSchema>): OptionField[] {
  return Object.entries(properties).flatMap(([name, schema]) => fieldOf(name, schema) ?? []);
}

/** What was typed or chosen, as the API takes it. */
export function asOptions(
  fields: OptionField[],
  typed: Record<string, string | boolean>
): Record<string, OptionValue> {
  return Object.fromEntries(
    fields.flatMap(({ name, kind }): [string, OptionValue][] => {
      const value = typed[name];
      if (value === undefined || value === '') {
        return [];
      }
      return [[name, kind === 'integer' || kind === 'number' ? Number(value) : value]];
    })
  );
}

function fieldOf(name: string, schema: OptionSchema): OptionField | null {
  const known = schema.anyOf?.find(one => one.type !== 'null') ?? schema;
  const choices = known.enum ?? (known.const === undefined ? [] : [known.const]);
  const kind = choices.length > 0 ? 'choice' : kindOf(known.type);
  if (kind === null) {
    return null;
  }
  return {
    name,
    kind,
    choices,
    standard: (schema.default ?? null) as OptionValue | null,
    minimum: known.minimum ?? known.exclusiveMinimum,
    maximum: known.maximum,
    help: schema.description ?? ''
  };
}

function kindOf(type: string | undefined): OptionField['kind'] | null {
  return type === 'boolean' ? 'flag' : type === 'integer' || type === 'number' ? type : null;
}
