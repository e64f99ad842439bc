import type { ExpectStatic } from 'vitest';
import type { Verdict } from '../../evidence/verdict.ts';
import type { ClaimCell } from './claim-cell.ts';
import type { Run } from './run.ts';

declare module 'vitest' {
  /** @ts-ignore Vitest 5 gives it other type parameters than Vitest 4, and none of them is used here. */
  interface Matchers<T> {
    /** Passes when a verdict passed; where the config only records, a missed one passes as well. */
    toHold(): void;
  }
}

/** What a check gets: the run it judges, the cell that was run, and Vitest's expect bound to this test. */
export interface ClaimContext {
  readonly run: Run;
  readonly cell: ClaimCell;
  readonly expect: ExpectStatic;
  /** Annotates the test with something worth a look that fails nothing. */
  readonly warn: (text: string) => void;
}

/** One named statement about a cell. */
export interface Claim {
  /** The benchmark this claim judges: it is registered for the configs that ask for it, and tagged with it. */
  readonly benchmark?: string;
  /** The cells it is about, among those that its file is about: for any other it is not registered. */
  readonly when?: (cell: ClaimCell) => boolean;
  /** Further tags to select it by; written as all tags are, `slow start` becomes `slow_start`. */
  readonly tags?: readonly string[];
  /** Judges the run: return a verdict, or use `expect`. */
  readonly check: (context: ClaimContext) => Verdict | void | Promise<Verdict | void>;
}

/** Claims by name. */
export type Claims<Name extends string = string> = Readonly<Record<Name, Claim>>;

/** Set while the main process reads suites to plan: nothing registers then. */
export const PLANNING: unique symbol = Symbol.for('vitest-assay.planning') as never;

/** On everything that `claims()` made, whichever copy of this package it came from. */
const DECLARED: unique symbol = Symbol.for('vitest-assay.claims') as never;

/** Marks claims as declared by `claims()`. */
export function asDeclared<Name extends string>(claims: Claims<Name>): Claims<Name> {
  return Object.defineProperty({ ...claims }, DECLARED, { value: true });
}

/** Whether a value was made by `claims()`. */
export function isDeclared(value: unknown): value is Claims {
  return typeof value === 'object' && value !== null && DECLARED in value;
}
