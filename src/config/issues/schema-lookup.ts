import type { z } from 'zod';
import type { PathStep } from '../yaml/yaml-source.ts';

/** A zod schema of any kind. */
export type Schema = z.core.$ZodType;

/** What the definition of a schema may have; its type says which. */
interface Definition {
  readonly type: string;
  readonly innerType?: Schema;
  readonly in?: Schema;
  readonly out?: Schema;
  readonly getter?: () => Schema;
  readonly shape?: Readonly<Record<string, Schema>>;
  readonly catchall?: Schema;
  readonly element?: Schema;
  readonly keyType?: Schema;
  readonly valueType?: Schema;
  readonly options?: readonly Schema[];
  readonly discriminator?: string;
  readonly values?: readonly unknown[];
  readonly entries?: Readonly<Record<string, unknown>>;
  readonly format?: string;
  readonly checks?: readonly z.core.$ZodCheck[];
  readonly error?: z.core.$ZodErrorMap;
}

/** The definition of a schema. */
export function definitionOf(schema: Schema): Definition {
  return schema._zod.def as unknown as Definition;
}

/** A schema and those that it wraps (default, optional, transform, preprocess), the outermost first. */
export function layersOf(schema: Schema): readonly Schema[] {
  const { innerType, in: input, out, getter } = definitionOf(schema);
  const isPreprocess = input !== undefined && definitionOf(input).type === 'transform';
  const inner = innerType ?? (isPreprocess ? out : input) ?? getter?.();
  return inner === undefined ? [schema] : [schema, ...layersOf(inner)];
}

/** The schema that says what may be written, without what wraps it. */
export function unwrap(schema: Schema): Schema {
  return layersOf(schema).at(-1) ?? schema;
}

/** The schema of what stands at a path; null where none is known. */
export function schemaAt(schema: Schema | null, path: readonly PathStep[], input: unknown): Schema | null {
  let found = schema === null ? [] : [schema];
  let value = input;
  for (const step of path) {
    const parent = value;
    found = found.flatMap((one) => branchesOf(one, parent)).flatMap((one) => childOf(one, step) ?? []);
    value = valueAt(parent, [step]);
  }
  return found[0] ?? null;
}

/** The value at a path; undefined when there is none. */
export function valueAt(input: unknown, path: readonly PathStep[]): unknown {
  return path.reduce<unknown>(
    (value, step) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, step)
        ? (value as Readonly<Record<PathStep, unknown>>)[step]
        : undefined,
    input,
  );
}

/** The names of the fields that a value may have. */
export function fieldNames(schema: Schema | null, value: unknown): readonly string[] {
  return (schema === null ? [] : branchesOf(schema, value)).flatMap((branch) => {
    const { shape, keyType } = definitionOf(branch);
    if (shape !== undefined) return Object.keys(shape);
    return keyType === undefined ? [] : choicesOf(keyType).map(String);
  });
}

/** The names of the fields that a mapping must have; none where the schema is not one of mappings. */
export function requiredFields(schema: Schema): readonly string[] {
  const fields = Object.entries(definitionOf(unwrap(schema)).shape ?? {});
  return fields.filter(([, field]) => field._zod.optin === undefined).map(([name]) => name);
}

/** The values that a literal or an enumeration allows; none for any other schema. */
export function choicesOf(schema: Schema): readonly unknown[] {
  const { values, entries } = definitionOf(unwrap(schema));
  return values ?? Object.values(entries ?? {});
}

/** The options of a union that a value may be meant for: of a union by kind, the one of its kind; else all. */
export function branchesOf(schema: Schema, value: unknown): readonly Schema[] {
  const inner = unwrap(schema);
  const { options, discriminator } = definitionOf(inner);
  if (options === undefined) return [inner];
  if (discriminator === undefined) return options.flatMap((option) => branchesOf(option, value));
  const kind = valueAt(value, [discriminator]);
  return options.filter(({ _zod }) => _zod.propValues?.[discriminator]?.has(kind as string)).map(unwrap);
}

function childOf(schema: Schema, step: PathStep): Schema | undefined {
  const { shape = {}, catchall, element, valueType } = definitionOf(schema);
  if (typeof step === 'number') return element;
  return Object.hasOwn(shape, step) ? shape[step] : (catchall ?? valueType);
}
