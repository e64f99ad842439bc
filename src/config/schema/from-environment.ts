/** A JSON Schema, or a part of one, as plain data. */
export type JsonSchema = Readonly<Record<string, unknown>>;

const FROM_ENVIRONMENT = { $ref: '#/definitions/environment' };

const environment = {
  description: 'The value of an environment variable.',
  type: 'string',
  pattern: String.raw`^\$\{env:[A-Za-z_]\w*\}$`,
};

/**
 * The schema of a file whose placeholders are not resolved yet: `${env:NAME}` may stand for any number, boolean, choice
 * or text of a given form. Any other text may be a placeholder anyway.
 */
export function acceptEnvironment(schema: JsonSchema): JsonSchema {
  const { definitions = {}, ...rest } = accept(schema);
  return { ...rest, definitions: { environment, ...(definitions as JsonSchema) } };
}

function accept(schema: JsonSchema): JsonSchema {
  const entries = Object.entries(schema);
  if (!isNarrow(schema)) return Object.fromEntries(entries.map(([word, value]) => [word, descend(word, value)]));
  const annotations = entries.filter(([word]) => ANNOTATIONS.has(word));
  const rule = entries.filter(([word]) => !ANNOTATIONS.has(word));
  return { ...Object.fromEntries(annotations), anyOf: [Object.fromEntries(rule), FROM_ENVIRONMENT] };
}

const ANNOTATIONS = new Set(['description', 'default', 'examples']);

function isNarrow({ type, enum: choices, const: constant, pattern }: JsonSchema): boolean {
  if (choices !== undefined || constant !== undefined) return true;
  return ['number', 'integer', 'boolean'].includes(String(type)) || (type === 'string' && pattern !== undefined);
}

function descend(word: string, value: unknown): unknown {
  switch (word) {
    case 'properties':
    case 'definitions': {
      const entries = Object.entries(value as Readonly<Record<string, JsonSchema>>);
      return Object.fromEntries(entries.map(([name, schema]) => [name, accept(schema)]));
    }
    case 'anyOf':
    case 'oneOf':
      return acceptAmong(value as readonly JsonSchema[]);
    case 'allOf':
      return (value as readonly JsonSchema[]).map(accept);
    case 'items':
    case 'additionalProperties':
    case 'then':
      return typeof value === 'boolean' ? value : accept(value as JsonSchema);
    // Names of fields, conditions and what is forbidden are never placeholders.
    default:
      return value;
  }
}

function acceptAmong(branches: readonly JsonSchema[]): readonly JsonSchema[] {
  const others = branches.map((branch) => (isNarrow(branch) ? branch : accept(branch)));
  return branches.some(isNarrow) ? [...others, FROM_ENVIRONMENT] : others;
}
