import { readFileSync } from 'node:fs';
import { compileFunction } from 'node:vm';

/** A place in a file, both counted from 1. */
export interface ClaimPlace {
  /** Absolute. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Finds claims in the text of a suite file, which is read when the first is asked for. */
export class SuiteText {
  readonly #file: string;
  readonly #places = new Map<string | null, ClaimPlace>();
  #text: string | null = null;

  constructor(file: string) {
    this.#file = file;
  }

  /** Where a claim is declared; of one whose name is made by code, or without a name, where `claims(` is called. */
  placeOf(claim: string | null): ClaimPlace {
    const place = this.#places.get(claim) ?? this.#find(claim);
    this.#places.set(claim, place);
    return place;
  }

  #find(claim: string | null): ClaimPlace {
    this.#text ??= readText(this.#file);
    const call = Math.max(0, this.#text.search(/\bclaims\s*\(/));
    const found = claim === null ? null : declarationOf(claim).exec(this.#text.slice(call));
    const before = this.#text.slice(0, found === null ? call : call + found.index).split('\n');
    return { file: this.#file, line: before.length, column: (before.at(-1) ?? '').length + 1 };
  }
}

/** A place as a person types it, `file:line:column`. */
export function formatPlace({ file, line, column }: ClaimPlace): string {
  return `${file}:${line}:${column}`;
}

/** `name: {`, `'name': own(` or `name,`. */
function declarationOf(claim: string): RegExp {
  const name = claim.replaceAll(/[^\w]/g, String.raw`\$&`);
  return new RegExp(String.raw`(?<![\w$.'"-])(['"]?)${name}\1(?=\s*[:,}])`);
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // It was there when it was loaded; without it the file alone is the place.
    return '';
  }
}

/**
 * Gives an error a place where reporters look for one (GitHub Actions annotates only errors that have one), and
 * nothing to print for it: the message says all there is, and errors with one message are printed once.
 */
export function placedAt(thrown: Error, { file, line, column }: ClaimPlace, below = ' '): Error {
  // Vitest keeps `stacks` that are there, and prints a `frame` instead of them.
  return Object.assign(thrown, { stacks: [{ file, line, column, method: '' }], frame: below });
}

type Stand = (call: () => unknown) => unknown;

const stands = new WeakMap<ClaimPlace, Stand>();

/** Calls a function as if the call stood at a place: Vitest says of an annotation where it was made. */
export function callAt<Result>(place: ClaimPlace, call: () => Result): Result {
  const stand = stands.get(place) ?? standAt(place);
  stands.set(place, stand);
  return stand(call) as Result;
}

const STAND = 'return ';

function standAt({ file, line, column }: ClaimPlace): Stand {
  return compileFunction(`${STAND}call()`, ['call'], {
    // Not the name under which the file was loaded: its source map is not about this line.
    filename: `file://${file}`,
    lineOffset: line - 1,
    columnOffset: column - 1 - STAND.length,
  }) as Stand;
}
