import type { z } from 'zod';
import { nearest } from '../../core/nearest.ts';
import type { Problem } from '../yaml/problem.ts';
import { definitionOf, fieldNames, schemaAt, unwrap, valueAt } from './schema-lookup.ts';
import type { Schema } from './schema-lookup.ts';
import { listOf, ours } from './schema-words.ts';
import { show } from './show.ts';
import { explainChoice, explainName, explainValue, MISSING } from './value-mistakes.ts';
import type { Spot } from './value-mistakes.ts';
import type { PathStep, YamlSource } from '../yaml/yaml-source.ts';

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
  return withoutEchoes(error.issues.flatMap((issue) => explain(issue, { schema, input, at: [] })));
}

const UNKNOWN = 'unknown field';

interface Mistake extends Unplaced {
  /** The name that a misspelt field was probably meant to have. */
  readonly meant?: string | null;
}

// A misspelt field is one mistake, not an unknown one and a missing one.
function withoutEchoes(mistakes: readonly Mistake[]): readonly Unplaced[] {
  const keyOf = (path: readonly PathStep[]): string => JSON.stringify(path);
  const meant = new Set(
    mistakes.flatMap(({ path, meant: name }) => (name ? [keyOf([...path.slice(0, -1), name])] : [])),
  );
  return mistakes
    .filter(({ path, message }) => message !== MISSING || !meant.has(keyOf(path)))
    .map(({ path, message, hint }) => ({ path, message, hint }));
}

/** What issues are about: a document, or the part of it that one option of a union was tried on. */
interface Subject {
  readonly schema: Schema | null;
  readonly input: unknown;
  /** Where the part stands in the document. */
  readonly at: readonly PathStep[];
}

function explain(issue: z.core.$ZodIssue, subject: Subject): readonly Mistake[] {
  const steps = issue.path.map((step) => (typeof step === 'number' ? step : String(step)));
  const spot = spotAt(steps, subject);
  const parent = (): Spot => spotAt(steps.slice(0, -1), subject);
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownField(key, spot));
    case 'invalid_union':
      return issue.discriminator === undefined
        ? explainUnion(issue, spot)
        : [explainKind(issue.discriminator, spot, parent())];
    case 'invalid_key':
      return [{ path: spot.path, ...explainName(issue, parent().schema) }];
    default:
      return [{ path: spot.path, ...explainValue(issue, spot) }];
  }
}

/** What stands at a path of a subject, and what may stand there. */
function spotAt(steps: readonly PathStep[], { schema, input, at }: Subject): Spot {
  // What a schema makes of a value (a model's name becomes a mapping) has fields that the document has not.
  const scalar = steps.findIndex((_, depth) => isScalar(valueAt(input, steps.slice(0, depth))));
  const written = scalar === -1 ? steps : steps.slice(0, scalar);
  return { path: [...at, ...written], value: valueAt(input, written), schema: schemaAt(schema, steps, input) };
}

function isScalar(value: unknown): boolean {
  return value !== undefined && (typeof value !== 'object' || value === null);
}

const MOST_LISTED = 8;

function unknownField(key: string, { path, value, schema }: Spot): Mistake {
  const known = fieldNames(schema, value);
  const isWritten = (name: string): boolean => valueAt(value, [name]) !== undefined;
  const meant = nearest(
    key,
    known.filter((name) => !isWritten(name)),
  );
  const mistake = { path: [...path, key], message: UNKNOWN, meant };
  if (meant !== null) return { ...mistake, hint: `did you mean \`${meant}\`?` };
  const twin = nearest(key, known);
  if (twin !== null) return { ...mistake, hint: `remove it; \`${twin}\` is there already` };
  if (known.length === 0) return { ...mistake, hint: 'remove it' };
  return {
    ...mistake,
    hint: `remove it; ${known.length <= MOST_LISTED ? `known: ${known.join(', ')}` : 'see `assay schema`'}`,
  };
}

/** Explains the issues of the option that a value was meant for; the value itself where it has the form of none. */
function explainUnion(issue: z.core.$ZodIssueInvalidUnion, spot: Spot): readonly Mistake[] {
  const { path, value, schema } = spot;
  const options = schema === null ? [] : (definitionOf(unwrap(schema)).options ?? []);
  const meant = issue.errors
    .map((issues, index) => ({ issues, schema: options[index] ?? null }))
    .filter(({ issues }) => !issues.some(refusesForm))
    .toSorted((a, b) => weigh(a.issues) - weigh(b.issues))[0];
  if (meant === undefined || ours(issue.message) !== null) return [{ path, ...explainValue(issue, spot) }];
  return meant.issues.flatMap((inner) => explain(inner, { schema: meant.schema, input: value, at: path }));
}

// A list where a mapping is needed, say: nothing that stands inside the value can mend that.
function refusesForm(issue: z.core.$ZodIssue): boolean {
  if (issue.path.length > 0) return false;
  if (issue.code === 'invalid_union') return issue.errors.every((issues) => issues.some(refusesForm));
  return issue.code === 'invalid_type' || issue.code === 'invalid_value';
}

function weigh(issues: readonly z.core.$ZodIssue[]): number {
  return issues.reduce((sum, issue) => sum + (issue.code === 'unrecognized_keys' ? issue.keys.length : 1), 0);
}

/** Explains a wrong or missing `kind:`, or whatever field says which option of a union is meant. */
function explainKind(field: string, spot: Spot, parent: Spot): Mistake {
  const options = parent.schema === null ? [] : (definitionOf(unwrap(parent.schema)).options ?? []);
  const kindsOf = (schemas: readonly Schema[]): readonly unknown[] =>
    schemas.flatMap(({ _zod }) => [...(_zod.propValues?.[field] ?? [])]);
  if (spot.value !== undefined) return { path: spot.path, ...explainChoice(spot.value, kindsOf(options)) };
  const written = typeof parent.value === 'object' && parent.value !== null ? Object.keys(parent.value) : [];
  const known = new Set(options.flatMap((option) => fieldNames(option, parent.value)));
  const misspelt = nearest(
    field,
    written.filter((name) => !known.has(name)),
  );
  if (misspelt !== null) {
    return { path: [...parent.path, misspelt], message: UNKNOWN, hint: `did you mean \`${field}\`?` };
  }
  const fitting = options.filter((option) => written.every((name) => fieldNames(option, parent.value).includes(name)));
  const kinds = kindsOf(fitting.length > 0 ? fitting : options);
  const hint =
    kinds.length === 1
      ? `add \`${field}: ${show(kinds[0])}\``
      : `add \`${field}:\` with ${listOf(kinds.map(show), 'or')}`;
  return { path: spot.path, message: MISSING, hint };
}
