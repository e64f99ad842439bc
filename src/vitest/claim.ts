import type { ExpectStatic } from 'vitest';
import type { Verdict } from '../evidence/verdict.ts';
import type { Run } from './run.ts';

/** What a check gets: the run it judges, and Vitest's expect bound to this test. */
export interface ClaimContext {
  readonly run: Run;
  readonly expect: ExpectStatic;
  /** Annotates the test with something worth a look that fails nothing. */
  readonly warn: (text: string) => void;
}

/** One named statement about a cell. */
export interface Claim {
  /** The benchmark this claim judges: it is registered for the configs that ask for it, and tagged with it. */
  readonly benchmark?: string;
  /** Judges the run: return a verdict, or use `expect`. */
  readonly check: (context: ClaimContext) => Verdict | void | Promise<Verdict | void>;
}

/** Claims by name. */
export type Claims = Readonly<Record<string, Claim>>;

/** Set while the main process reads suites to plan: nothing registers then. */
export const PLANNING: unique symbol = Symbol.for('vitest-assay.planning') as never;
