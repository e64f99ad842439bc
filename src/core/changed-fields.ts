import { canonicalJson } from './canonical-json.ts';

/** A value that is not the same on both sides; undefined stands for one that is not there. */
export interface FieldChange {
  /** Dotted, `thresholds[0].value`; a name with other characters is quoted, `env["a.b"]`. Empty for the whole. */
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
}

/**
 * Where two values of plain data differ: single values and empty collections, fields by name, items by
 * position. Empty exactly when both have the same canonical JSON; swapping the two swaps only the sides.
 */
export function changedFields(before: unknown, after: unknown): readonly FieldChange[] {
  return compare('', before ?? null, after ?? null);
}

function compare(path: string, before: unknown, after: unknown): readonly FieldChange[] {
  const [was, is] = [itemsOf(before), itemsOf(after)];
  if (was.size === 0 && is.size === 0) {
    return isSame(before, after) ? [] : [{ path, before, after }];
  }
  if (isThere(before) && isThere(after) && kindOf(before) !== kindOf(after)) {
    const sides = [compare(path, before, undefined), compare(path, undefined, after)];
    return (kindOf(before) < kindOf(after) ? sides : sides.toReversed()).flat();
  }
  const keys = [...new Set([...was.keys(), ...is.keys()])].sort(byKey);
  return keys.flatMap((key) => compare(join(path, key), was.get(key), is.get(key)));
}

function isSame(before: unknown, after: unknown): boolean {
  if (before === undefined || after === undefined) return before === after;
  return canonicalJson(before) === canonicalJson(after);
}

type Key = string | number;

// As in JSON: an undefined field is not there, an undefined item is null.
function itemsOf(value: unknown): ReadonlyMap<Key, unknown> {
  if (Array.isArray(value)) return new Map(value.map((item: unknown, index) => [index, item ?? null]));
  if (typeof value !== 'object' || value === null) return new Map();
  return new Map(Object.entries(value).filter(([, item]) => item !== undefined));
}

// What comes in the place of null says it all: `dataset: null (gone)` would be one line too many.
function isThere(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function kindOf(value: unknown): string {
  return Array.isArray(value) ? 'list' : typeof value;
}

function byKey(a: Key, b: Key): number {
  return a < b ? -1 : 1;
}

function join(path: string, key: Key): string {
  if (typeof key === 'number') return `${path}[${key}]`;
  if (!/^[\w-]+$/.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path === '' ? key : `${path}.${key}`;
}

/** A change for people: `knobs.attention: aiter -> fa`, `params.num_warmups: 4 (new)`, `seed: 1 (gone)`. */
export function describeChange(change: FieldChange): string {
  return `${change.path}: ${describeValues(change)}`;
}

/** The two sides of a change for people, long values shortened: `aiter -> fa`, `4 (new)`, `1 (gone)`. */
export function describeValues({ before, after }: Pick<FieldChange, 'before' | 'after'>): string {
  if (before === undefined) return `${shorten(print(after))} (new)`;
  if (after === undefined) return `${shorten(print(before))} (gone)`;
  const [was, is] = [print(before), print(after)];
  const start = Math.max(was.length, is.length) > WIDTH ? startOfDifference(was, is) : 0;
  return `${shorten(was, start)} -> ${shorten(is, start)}`;
}

// A string that could be taken for another value, or that would reach into the terminal, keeps its quotes.
const PLAIN = /^(?!(?:true|false|null|-?\d+(?:\.\d+)?(?:e[-+]?\d+)?)$)[^\s"[{\p{Cc}](?:[^\p{Cc}]*[^\s\p{Cc}])?$/u;

function print(value: unknown): string {
  return typeof value === 'string' && PLAIN.test(value) ? value : canonicalJson(value);
}

const WIDTH = 32;
const CONTEXT = 16;

/** Where to begin, so that the first difference of two long texts is seen. */
function startOfDifference(a: string, b: string): number {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  return at < WIDTH - 3 ? 0 : at - CONTEXT;
}

function shorten(text: string, start = 0): string {
  const tail = start === 0 ? text : `...${text.slice(start)}`;
  return tail.length <= WIDTH ? tail : `${tail.slice(0, WIDTH - 3)}...`;
}
