import { z } from 'zod';
import { choicesOf, definitionOf, layersOf, requiredFields, unwrap } from './schema-lookup.ts';
import type { Schema } from './schema-lookup.ts';
import { show } from './show.ts';

/** What a schema accepts, in words that follow "write": `a whole number of 1 or more`, `"inference" or "training"`. */
export function describe(schema: Schema): string {
  const inner = unwrap(schema);
  const { type } = definitionOf(inner);
  const rule = ownWords(inner);
  if (rule !== null && STARTS_WITH_ARTICLE.test(rule)) return rule;
  return DESCRIBERS[type]?.(inner) ?? nounOf(type) ?? 'another value';
}

const DESCRIBERS: Readonly<Record<string, (schema: Schema) => string>> = {
  string: describeString,
  number: describeNumber,
  literal: describeChoices,
  enum: describeChoices,
  array: describeList,
  object: describeObject,
  record: () => 'a mapping (key: value)',
  union: describeUnion,
};

const NOUNS: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
  null: 'null',
};

/** A type by zod's name, in words; null for one that no YAML value has. */
export function nounOf(type: string): string | null {
  return NOUNS[type] ?? null;
}

/** What to do where a schema refuses a value. */
export function advise(schema: Schema): string {
  const rule = ownWords(unwrap(schema));
  return rule !== null && STARTS_WITH_VERB.test(rule) ? rule : `write ${describe(schema)}`;
}

/** `a`, `a or b`, `a, b or c`; each phrase once. */
export function listOf(phrases: readonly string[], word: 'and' | 'or'): string {
  const distinct = [...new Set(phrases)];
  const isNested = distinct.some((phrase) => / or |, /.test(phrase));
  const last = distinct.pop() ?? '';
  return distinct.length === 0 ? last : `${distinct.join(', ')}${isNested ? ', ' : ' '}${word} ${last}`;
}

const STARTS_WITH_ARTICLE = /^(?:an?|the|each|at least) /;
const STARTS_WITH_VERB = /^(?:write|use|name|put|add|set|make|remove|give|declare|choose|leave) /;

/** A message of a schema of ours as something to do. */
export function asAdvice(message: string, isFormat = false): string {
  return STARTS_WITH_ARTICLE.test(message) || (isFormat && !STARTS_WITH_VERB.test(message))
    ? `write ${message}`
    : message;
}

// What zod says of itself; anything else is a message of ours.
const ZOD_ENGLISH = /^(?:Invalid|Too (?:small|big)|Unrecognized)\b/;

/** A message unless it is zod's own. */
export function ours(message: string): string | null {
  return message === '' || ZOD_ENGLISH.test(message) ? null : message;
}

/** What a schema of ours says when it refuses a value; null when it leaves that to zod. */
function ownWords(schema: Schema): string | null {
  const { error, checks = [] } = definitionOf(schema);
  for (const map of [error, ...checks.map((check) => check._zod.def.error)]) {
    const told = (map as ((issue: object) => unknown) | undefined)?.({});
    if (typeof told === 'string') return told.replace(/^write (?=an? |the )/, '');
  }
  return null;
}

function describeString(schema: Schema): string {
  const rule = ownWords(schema);
  return rule === null || STARTS_WITH_VERB.test(rule) ? 'a string' : `a string (${rule})`;
}

function describeChoices(schema: Schema): string {
  return listOf(choicesOf(schema).map(show), 'or');
}

interface Bound {
  readonly check: string;
  readonly value: number;
  readonly inclusive: boolean;
}

function describeNumber(schema: Schema): string {
  const { format, checks = [] } = definitionOf(schema);
  const rules = checks.map((check) => check._zod.def as unknown as Bound & { readonly format?: string });
  const isWhole = [format, ...rules.map((rule) => rule.format)].some((name) => name?.includes('int'));
  const low = rules.find(({ check }) => check === 'greater_than');
  const high = rules.find(({ check }) => check === 'less_than');
  const noun = isWhole ? 'a whole number' : 'a number';
  if (low?.inclusive && high?.inclusive) return `${noun} from ${low.value} to ${high.value}`;
  const parts = [
    ...(low === undefined ? [] : [low.inclusive ? `of ${low.value} or more` : `above ${low.value}`]),
    ...(high === undefined ? [] : [high.inclusive ? `up to ${high.value}` : `below ${high.value}`]),
  ];
  return [noun, parts.join(' and ')].join(' ').trimEnd();
}

const PLURALS: Readonly<Record<string, string>> = {
  string: 'strings',
  number: 'numbers',
  object: 'mappings',
  record: 'mappings',
};

function describeList(schema: Schema): string {
  const { element } = definitionOf(schema);
  const plural = element === undefined ? undefined : PLURALS[definitionOf(unwrap(element)).type];
  return plural === undefined ? 'a list' : `a list of ${plural}`;
}

const MOST_FIELDS = 4;

function describeObject(schema: Schema): string {
  const required = requiredFields(schema);
  const fields = required.length > 0 ? required : Object.keys(definitionOf(schema).shape ?? {});
  const names = fields.map((name) => `\`${name}\``);
  if (names.length === 0 || names.length > MOST_FIELDS) return 'a mapping';
  return `a mapping with ${listOf(names, required.length > 0 ? 'and' : 'or')}`;
}

function describeUnion(schema: Schema): string {
  const { discriminator } = definitionOf(schema);
  return discriminator === undefined
    ? listOf(optionsOf(schema).map(describe), 'or')
    : `a mapping with \`${discriminator}\``;
}

/** The options of a union, those of the unions among them in their place. */
function optionsOf(schema: Schema): readonly Schema[] {
  const inner = unwrap(schema);
  const { options, discriminator } = definitionOf(inner);
  return options === undefined || discriminator !== undefined || ownWords(inner) !== null
    ? [inner]
    : options.flatMap(optionsOf);
}

/** Something that a schema accepts: its example (`.meta({ examples: [...] })`) or its only value; else undefined. */
export function exampleOf(schema: Schema): unknown {
  const examples = layersOf(schema).flatMap((layer) => z.globalRegistry.get(layer)?.['examples'] ?? []);
  const choices = choicesOf(schema);
  return examples.length > 0 || choices.length !== 1 ? examples[0] : choices[0];
}
