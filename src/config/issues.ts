import type { z } from 'zod';
import { nearest } from '../core/nearest.ts';
import type { Problem } from './problem.ts';
import type { PathStep, YamlSource } from './yaml-source.ts';

/** A zod issue or a mistake of ours, not yet placed in a file. */
export interface Unplaced {
  readonly path: readonly PathStep[];
  readonly message: string;
  readonly hint: string;
}

/** Places a mistake at the line and column of its path. */
export function place(source: YamlSource, { path, message, hint }: Unplaced): Problem {
  return { ...source.locate(path), message, hint };
}

/** Turns zod's issues into sentences: the value, the expectation, the next step. */
export function explainIssues(schema: z.ZodType, error: z.ZodError, input: unknown): readonly Unplaced[] {
  return withoutEchoes(error.issues.flatMap((issue) => explain(issue, { schema, input })));
}

// A misspelt field is one mistake, not an unknown one and a missing one.
function withoutEchoes(mistakes: readonly Unplaced[]): readonly Unplaced[] {
  const meant = new Set(
    mistakes.flatMap(({ path, hint }) => {
      const name = /^did you mean `(.+)`\?$/.exec(hint)?.[1];
      return name === undefined ? [] : [JSON.stringify([...path.slice(0, -1), name])];
    }),
  );
  return mistakes.filter(({ path, message }) => message !== MISSING || !meant.has(JSON.stringify(path)));
}

const MISSING = 'is missing';

interface Subject {
  readonly schema: z.ZodType;
  readonly input: unknown;
}

function explain(issue: z.core.$ZodIssue, { schema, input }: Subject): readonly Unplaced[] {
  const path = issue.path.map((step) => (typeof step === 'number' ? step : String(step)));
  const value = valueAt(input, path);
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = fieldNames(schema, { path, input });
      return issue.keys.map((key) => unknownField([...path, key], known));
    }
    case 'invalid_type':
      return [wrongType(path, { expected: issue.expected, value })];
    case 'invalid_union':
      return [explainUnion(issue, { path, value })];
    case 'invalid_value':
      return [
        {
          path,
          message: value === undefined ? MISSING : `${show(value)} is not accepted`,
          hint: `use ${issue.values.map((accepted) => show(accepted)).join(' or ')}`,
        },
      ];
    default:
      return [{ path, message: `${show(value)} is not accepted`, hint: issue.message }];
  }
}

function unknownField(path: readonly PathStep[], known: readonly string[]): Unplaced {
  const meant = nearest(String(path.at(-1)), known);
  const hint =
    meant === null
      ? `remove it${known.length > 0 ? `; known: ${known.join(', ')}` : ''}`
      : `did you mean \`${meant}\`?`;
  return { path, message: 'unknown field', hint };
}

function wrongType(
  path: readonly PathStep[],
  { expected, value }: { readonly expected: string; readonly value: unknown },
): Unplaced {
  if (value === undefined) return { path, message: MISSING, hint: `add a ${expected}` };
  const isQuotedNumber = typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value));
  if (isQuotedNumber && ['number', 'int'].includes(expected)) {
    return { path, message: `${show(value)} is a string`, hint: `write ${value} without quotes` };
  }
  return { path, message: `${show(value)} is not a ${expected}`, hint: `write a ${expected}` };
}

function explainUnion(
  issue: z.core.$ZodIssueInvalidUnion,
  { path, value }: { readonly path: readonly PathStep[]; readonly value: unknown },
): Unplaced {
  if (issue.discriminator === undefined) {
    const messages = issue.errors.flatMap((branch) => branch.map((inner) => inner.message));
    const hint = [...new Set(messages)].join('; or ') || 'see the documentation of this field';
    return { path, message: `${show(value)} has none of the accepted forms`, hint };
  }
  const kinds = ('options' in issue ? (issue.options ?? []) : []).map(String);
  const meant = typeof value === 'string' ? nearest(value, kinds) : null;
  return {
    path,
    message: value === undefined ? MISSING : `${show(value)} is not accepted`,
    hint: meant === null ? `use one of ${kinds.join(', ')}` : `did you mean \`${meant}\`?`,
  };
}

function show(value: unknown): string {
  return JSON.stringify(value) ?? String(value);
}

function valueAt(input: unknown, path: readonly PathStep[]): unknown {
  return path.reduce<unknown>(
    (value, step) =>
      typeof value === 'object' && value !== null ? (value as Record<PathStep, unknown>)[step] : undefined,
    input,
  );
}

// zod reports an unknown key without the keys it knows; they are in the schema,
// under whatever wraps it (default, optional, preprocess, record, union by kind).
function fieldNames(
  schema: z.ZodType,
  { path, input }: { readonly path: readonly PathStep[]; readonly input: unknown },
): readonly string[] {
  let current: z.core.$ZodType | undefined = resolveAt(schema, input);
  for (const [depth, step] of path.entries()) {
    const next: z.core.$ZodType | undefined = child(current, step);
    if (next === undefined) return [];
    current = resolveAt(next, valueAt(input, path.slice(0, depth + 1)));
  }
  const shape = current._zod.def.type === 'object' ? (current as z.ZodObject).shape : {};
  return Object.keys(shape);
}

/** The schema without its wrappers; of a union by kind, the branch of the value's kind. */
function resolveAt(schema: z.core.$ZodType, value: unknown): z.core.$ZodType {
  const def = schema._zod.def as {
    innerType?: z.core.$ZodType;
    out?: z.core.$ZodType;
    discriminator?: string;
    options?: readonly z.core.$ZodType[];
  };
  const { discriminator, options = [] } = def;
  const inner =
    discriminator === undefined
      ? (def.innerType ?? def.out)
      : options.find(({ _zod }) => _zod.propValues?.[discriminator]?.has(valueAt(value, [discriminator]) as string));
  return inner === undefined ? schema : resolveAt(inner, value);
}

function child(schema: z.core.$ZodType, step: PathStep): z.core.$ZodType | undefined {
  const def = schema._zod.def as {
    shape?: Record<string, z.core.$ZodType>;
    element?: z.core.$ZodType;
    valueType?: z.core.$ZodType;
  };
  return def.shape?.[String(step)] ?? def.element ?? def.valueType;
}
