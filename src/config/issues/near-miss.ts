import { z } from 'zod';
import { requiredFields } from './schema-lookup.ts';
import type { Schema } from './schema-lookup.ts';
import { show } from './show.ts';
import { plainValue } from '../yaml/yaml-scalar.ts';
import type { Complaint } from '../yaml/problem.ts';

/** What a value was probably meant to be, and how to say so. */
interface Guess {
  readonly meant: unknown;
  readonly complaint: Complaint;
}

/**
 * Says what to write instead of a value of the wrong type: the nearest thing to it that the schema accepts
 * (`"16"` -> 16, `yes` -> true, `[16]` -> 16); null when nothing near is accepted.
 */
export function explainNearMiss(value: unknown, schema: Schema): Complaint | null {
  const guess = [...guesses(value), ...guessesOfField(value, schema)].find(
    ({ meant }) => z.safeParse(schema, meant).success,
  );
  return guess?.complaint ?? null;
}

function guesses(value: unknown): readonly Guess[] {
  if (typeof value === 'string') return [...guessesOfText(value), ...guessesOfItem(value)];
  if (Array.isArray(value)) return guessesOfList(value);
  if (typeof value === 'number' || typeof value === 'boolean') {
    const hint = `write ${show(String(value))} in quotes`;
    const message = `${show(value)} is ${typeof value === 'number' ? 'a number' : 'not text'}`;
    return [{ meant: String(value), complaint: { message, hint } }, ...guessesOfItem(value)];
  }
  return guessesOfItem(value);
}

const YAML_1_1_BOOLEANS: Readonly<Record<string, boolean>> = {
  yes: true,
  on: true,
  no: false,
  off: false,
};

function guessesOfText(text: string): readonly Guess[] {
  const message = `${show(text)} is a string`;
  const unquoted = plainValue(text.trim());
  if (typeof unquoted === 'number' || typeof unquoted === 'boolean') {
    return [{ meant: unquoted, complaint: { message, hint: `write ${text.trim()} without quotes` } }];
  }
  const word = text.trim().toLowerCase();
  if (Object.hasOwn(YAML_1_1_BOOLEANS, word)) {
    const meant = YAML_1_1_BOOLEANS[word];
    return [{ meant, complaint: { message: `${message} in YAML 1.2`, hint: `write ${meant}` } }];
  }
  const number = readNumber(text);
  const numbers = number === null ? [] : [{ meant: number, complaint: { message, hint: `write ${number}` } }];
  const items = text.split(',').map((item) => plainValue(item.trim()));
  const lists = items.length === 1 ? [] : [{ meant: items, complaint: { message, hint: `write ${show(items)}` } }];
  return [...numbers, ...lists];
}

const FACTORS: Readonly<Record<string, number>> = { k: 1e3, K: 1e3, M: 1e6 };

/** The number that people write as `1_000`, `1,000`, `1k` or with a comma after it; null for other text. */
function readNumber(text: string): number | null {
  const [, digits = '', suffix = ''] = /^([-+]?[\d_,.]+) ?([kKM]?)[,;]?$/.exec(text.trim()) ?? [];
  const plain = digits.replace(/,$/, '');
  if (!/^[-+]?(?:\d+(?:_\d+)*|\d{1,3}(?:,\d{3})+)(?:\.\d+)?$/.test(plain)) return null;
  return Number(plain.replaceAll(/[_,]/g, '')) * (FACTORS[suffix] ?? 1);
}

function guessesOfItem(value: unknown): readonly Guess[] {
  const meant = [value];
  if (isMapping(value)) {
    const list = show(meant);
    const hint = list.endsWith(']') ? `write ${list}` : 'put "- " before it, for a list of one';
    return [{ meant, complaint: { message: 'is a mapping, not a list', hint } }];
  }
  return [{ meant, complaint: { message: `${show(value)} is not a list`, hint: `write ${show(meant)}` } }];
}

/** `container: vllm:0.10` for `container: {image: vllm:0.10}`: the value of the one field that a mapping must have. */
function guessesOfField(value: unknown, schema: Schema): readonly Guess[] {
  const [name, another] = requiredFields(schema);
  if (name === undefined || another !== undefined || typeof value === 'object') return [];
  const meant = { [name]: value };
  return [{ meant, complaint: { message: `${show(value)} is not a mapping`, hint: `write ${show(meant)}` } }];
}

function guessesOfList(items: readonly unknown[]): readonly Guess[] {
  if (items.length > 0 && items.every(isMapping)) {
    const meant: unknown = Object.assign({}, ...items);
    return [{ meant, complaint: { message: 'is a list, not a mapping', hint: 'write its fields without "- "' } }];
  }
  const [meant] = items;
  if (items.length !== 1) return [];
  return [{ meant, complaint: { message: `${show(items)} is a list`, hint: `write ${show(meant)}` } }];
}

function isMapping(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
