import { z } from 'zod';
import { convergenceKind } from './thresholds/convergence.ts';
import { goodputKind } from './thresholds/goodput.ts';
import type { ThresholdRules } from './thresholds/kind.ts';
import { monotonicityKind } from './thresholds/monotonicity.ts';
import { percentileKind } from './thresholds/percentile.ts';
import { predicateKind } from './thresholds/predicate.ts';
import { rateKind } from './thresholds/rate.ts';
import { stabilityKind } from './thresholds/stability.ts';

const written = {
  Percentile: percentileKind,
  Rate: rateKind,
  Goodput: goodputKind,
  Convergence: convergenceKind,
  Monotonicity: monotonicityKind,
  Stability: stabilityKind,
};

const kinds = { ...written, Predicate: predicateKind };

/** The name of a kind of threshold: those that `kind:` may spell, and `Predicate`. */
export type ThresholdKind = keyof typeof kinds;

/** A threshold of one kind. */
export type ThresholdOf<Kind extends ThresholdKind> = {
  [K in Kind]: z.output<(typeof kinds)[K]['schema']> & { readonly kind: K };
}[Kind];

/** What one benchmark of a cell is judged by: written in the config, or the benchmark's own predicate. */
export type Threshold = ThresholdOf<ThresholdKind>;

type Schema = (typeof written)[keyof typeof written]['schema'];
const schemas = Object.values(written).map((kind): Schema => kind.schema);

/** The schema of one entry under `thresholds:`; an unknown field or kind is an error. */
export const thresholdSchema = z.discriminatedUnion('kind', schemas as [Schema, ...Schema[]]);

/** The schema of a threshold as runs store it: of every kind. */
export const storedThresholdSchema = z.discriminatedUnion('kind', [thresholdSchema, predicateKind.schema]);

type RulesByKind = { readonly [K in ThresholdKind]: ThresholdRules<ThresholdOf<K>> };

/** A threshold that would answer a benchmark, as it is written; null when no kind knows how. */
export function exampleFor(benchmark: string, metrics: readonly string[]): string | null {
  return Object.values(written).reduce<string | null>((found, kind) => found ?? kind.example(benchmark, metrics), null);
}

/** What the kind of a threshold says of itself. */
export function rulesOf<Kind extends ThresholdKind>(threshold: ThresholdOf<Kind>): ThresholdRules<ThresholdOf<Kind>> {
  const rules: RulesByKind = kinds;
  return rules[threshold.kind];
}
