import { z } from 'zod';
import { parseMetricName } from '../config/metric-name.ts';
import { comparisonSchema } from '../config/thresholds/comparison.ts';

const worstSampleSchema = z.object({ request_id: z.string(), value: z.number() }).readonly();

/** The schema of a verdict as the manifest stores it; every number is finite, and one that was not measured is null. */
export const verdictSchema = z
  .object({
    /** The kind of threshold; open, so that old readers keep reading when a kind is added. */
    kind: z.string(),
    metric: z.string(),
    /** The benchmark that this verdict answers. */
    benchmark: z.string(),
    /** `within` is a distance to `expected` on either side. */
    op: z.enum([...comparisonSchema.options, 'within']),
    expected: z.number(),
    actual: z.number().nullable(),
    passed: z.boolean(),
    /** How far `actual` is on the good side of the limit: above 0 is good. */
    margin: z.number().nullable(),
    /** The values behind `actual`; null when the framework gave only a summary and did not count them. */
    n: z.int().nonnegative().nullable(),
    /** Holds the true value with this confidence; an end is null when the sample is too small to bound that side. */
    interval: z
      .object({ low: z.number().nullable(), high: z.number().nullable(), confidence: z.number() })
      .readonly()
      .exactOptional(),
    /** Where the threshold is written, `file:line`. */
    source: z.string().exactOptional(),
    outcome: z.enum(['passed', 'failed', 'insufficient', 'no_data']),
    /** One sentence, with units. */
    detail: z.string(),
    evidence: z
      .object({
        /** The file of the run directory that was judged. */
        file: z.enum(['samples.parquet', 'trajectory.parquet', 'manifest.json']),
        /** Up to three requests, worst first. */
        worst: z.array(worstSampleSchema).max(3).readonly().exactOptional(),
      })
      .readonly(),
  })
  .readonly();

/** A threshold evaluated on a run. */
export type Verdict = z.output<typeof verdictSchema>;

/** The kinds whose figures have a unit, by what it is made of that of the metric. */
const UNITS: Readonly<Record<string, (unit: string) => string>> = {
  Percentile: (unit) => unit,
  Convergence: (unit) => unit,
  Monotonicity: (unit) => unit,
  Stability: (unit) => (unit === '' ? '' : `${unit}²`),
};

/** The unit of what a verdict compares, `ms`; empty for a rate, a share or a count. */
export function unitOfVerdict({ kind, metric }: Pick<Verdict, 'kind' | 'metric'>): string {
  return UNITS[kind]?.(parseMetricName(metric).unit) ?? '';
}
