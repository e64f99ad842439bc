import { z } from 'zod';
import { nearest } from '../../core/nearest.ts';
import { explainNearMiss } from './near-miss.ts';
import { branchesOf, choicesOf, definitionOf, unwrap } from './schema-lookup.ts';
import type { Schema } from './schema-lookup.ts';
import { advise, asAdvice, describe, exampleOf, listOf, nounOf, ours } from './schema-words.ts';
import { soundsSecret } from '../schema/secrets.ts';
import { shorten, show } from './show.ts';
import type { PathStep } from '../yaml/yaml-source.ts';
import type { Complaint } from '../yaml/problem.ts';

type Issue = z.core.$ZodIssue;

/** The value that an issue is about, and what may stand there. */
export interface Spot {
  readonly path: readonly PathStep[];
  readonly value: unknown;
  readonly schema: Schema | null;
}

/** The message for a field that is not there. */
export const MISSING = 'is missing';

/** Says what is wrong with one value, and what to write instead; shows no value that sounds secret. */
export function explainValue(issue: Issue, spot: Spot): Complaint {
  const { path, value, schema } = spot;
  const message = ours(issue.message);
  const own = message === null ? null : asAdvice(message, issue.code === 'invalid_format');
  if (value === undefined) return { message: MISSING, hint: own ?? adviseMissing(issue, spot) };
  if (value === null) return { message: 'is empty', hint: own ?? adviceFor(issue, schema) };
  if (path.some((step) => soundsSecret(String(step)))) {
    return {
      message: 'is not accepted, and not shown: it sounds like a secret',
      hint: own ?? adviceFor(issue, schema),
    };
  }
  const near = REFUSALS.has(issue.code) && schema !== null ? explainNearMiss(value, schema) : null;
  if (near !== null) return near;
  if (own !== null) return { message: `${show(value)} is not accepted`, hint: own };
  return explainRefusal(issue, spot);
}

// Issues about what kind of thing a value is, rather than which.
const REFUSALS: ReadonlySet<string> = new Set(['invalid_type', 'invalid_value', 'invalid_union']);

function explainRefusal(issue: Issue, spot: Spot): Complaint {
  const message = `${show(spot.value)} is not accepted`;
  switch (issue.code) {
    case 'invalid_type':
      return explainType(issue, spot);
    case 'invalid_value':
      return explainChoice(spot.value, issue.values);
    case 'too_small':
      return explainSize({ ...issue, limit: Number(issue.minimum) }, spot);
    case 'too_big':
      return explainSize({ ...issue, limit: Number(issue.maximum) }, spot);
    case 'not_multiple_of':
      return { message, hint: `write a multiple of ${issue.divisor}` };
    case 'invalid_format':
      return { message, hint: adviseFormat(issue, spot) };
    default: {
      const choices = spot.schema === null ? [] : branchesOf(spot.schema, spot.value).flatMap(choicesOf);
      const meant = nearestChoice(spot.value, choices);
      return { message, hint: meant === null ? adviceFor(issue, spot.schema) : `did you mean ${show(meant)}?` };
    }
  }
}

/** Says which of a few values was meant, or which there are. */
export function explainChoice(value: unknown, choices: readonly unknown[]): Complaint {
  const listed = listOf(choices.map(show), 'or');
  if (value === null) return { message: 'is empty', hint: `use ${listed}` };
  const meant = nearestChoice(value, choices);
  const hint = meant === null ? `use ${listed}` : `did you mean ${show(meant)}?`;
  return { message: `${show(value)} is not accepted`, hint };
}

// Shorter ones, operators for example, are all near to each other.
const SHORTEST_TYPO = 3;

function nearestChoice(value: unknown, choices: readonly unknown[]): string | null {
  if (typeof value !== 'string' || value.length < SHORTEST_TYPO) return null;
  return nearest(
    value,
    choices.filter((choice) => typeof choice === 'string'),
  );
}

function explainType(issue: z.core.$ZodIssueInvalidType, { value, schema }: Spot): Complaint {
  const message = `${show(value)} ${describeMismatch(value, issue.expected)}`;
  const advice = adviceFor(issue, schema);
  if (typeof value !== 'string') return { message, hint: advice };
  const [, name, rest] = /^([\w-]+):(\S.*)$/s.exec(value) ?? [];
  const isField = name !== undefined && rest !== undefined && ['object', 'record'].includes(issue.expected);
  if (isField) return { message, hint: `write \`${shorten(`${name}: ${rest}`)}\`, with a space after the colon` };
  const hasUnit = ['number', 'int'].includes(issue.expected) && /^[-+]?[\d.]+ ?[a-z%]+$/i.test(value.trim());
  return { message, hint: hasUnit ? `${advice}, without a unit` : advice };
}

function describeMismatch(value: unknown, expected: string): string {
  if (expected === 'string' && typeof value === 'number') return 'is a number';
  const noun = nounOf(expected);
  return noun === null ? 'is not accepted' : `is not ${noun}`;
}

interface SizeIssue {
  readonly code: 'too_small' | 'too_big';
  readonly limit: number;
  readonly exact?: boolean | undefined;
}

function explainSize(issue: SizeIssue, spot: Spot): Complaint {
  const { value } = spot;
  return typeof value === 'string' || Array.isArray(value)
    ? explainLength(issue, value, spot)
    : explainMagnitude(issue, spot);
}

function explainMagnitude({ code, limit }: SizeIssue, { value, schema }: Spot): Complaint {
  const isSmall = code === 'too_small';
  const message = `${show(value)} is too ${isSmall ? 'small' : 'large'}`;
  if (Math.abs(limit) === Number.MAX_SAFE_INTEGER) return { message, hint: 'write a whole number that is nearer to 0' };
  return { message, hint: schema === null ? `write ${limit} or ${isSmall ? 'more' : 'less'}` : advise(schema) };
}

function explainLength(
  { code, limit, exact }: SizeIssue,
  value: string | readonly unknown[],
  { schema }: Spot,
): Complaint {
  const unit = typeof value === 'string' ? 'character' : 'item';
  const count = (number: number): string => `${number} ${unit}${number === 1 ? '' : 's'}`;
  if (value === '' && schema !== null) return { message: 'is empty', hint: advise(schema) };
  const bound = exact ? 'exactly' : code === 'too_small' ? 'at least' : 'at most';
  const message = value.length === 0 ? 'is empty' : `${show(value)} has ${count(value.length)}`;
  return { message, hint: `write ${bound} ${count(limit)}` };
}

/** Says what is wrong with the name of a field where names are free; `schema` is that of the mapping. */
export function explainName(issue: z.core.$ZodIssueInvalidKey, schema: Schema | null): Complaint {
  const message = `${show(String(issue.path.at(-1)))} cannot be a name here`;
  const [cause] = issue.issues;
  if (cause === undefined) return { message, hint: 'rename it' };
  const rule = ours(cause.message);
  if (rule !== null) return { message, hint: asAdvice(rule, true) };
  const names = schema === null ? undefined : definitionOf(unwrap(schema)).keyType;
  const spot = { path: [], value: issue.path.at(-1), schema: names ?? null };
  return { message, hint: cause.code === 'invalid_format' ? adviseFormat(cause, spot) : 'rename it' };
}

function adviseFormat({ format, pattern }: z.core.$ZodIssueInvalidStringFormat, { value, schema }: Spot): string {
  const tidy = String(value)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
    .replaceAll(/^_+|_+$/g, '');
  if (schema !== null && z.safeParse(schema, tidy).success) return `write ${tidy}`;
  return pattern === undefined ? `write text in the form of ${format}` : `write text that matches ${pattern}`;
}

function adviseMissing(issue: Issue, { path, schema }: Spot): string {
  if (schema === null) return `add ${wordsFor(issue)}`;
  const [name, example] = [path.at(-1), exampleOf(schema)];
  if (example === undefined || typeof name !== 'string') return `add ${describe(schema)}`;
  const line = `\`${name}: ${JSON.stringify(example)}\``;
  return choicesOf(schema).length === 1 ? `add ${line}` : `add ${describe(schema)}, for example ${line}`;
}

function adviceFor(issue: Issue, schema: Schema | null): string {
  return schema === null ? `write ${wordsFor(issue)}` : advise(schema);
}

/** What an issue says of the value that is wanted. */
function wordsFor(issue: Issue): string {
  if (issue.code === 'invalid_type') return nounOf(issue.expected) ?? 'another value';
  if (issue.code === 'invalid_value') return listOf(issue.values.map(show), 'or');
  if (issue.code === 'invalid_union') return listOf(issue.errors.flat().map(wordsFor), 'or');
  return 'another value';
}
