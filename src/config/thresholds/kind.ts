import { z } from 'zod';

const axisValueSchema = z.union([z.string(), z.number(), z.boolean()]);

/** The metric that a threshold judges. */
export const metricSchema = z.string().min(1).describe('The metric to judge, e.g. ttft_ms, throughput or loss.');

/** The fields every kind of threshold has: which cells it judges, and which benchmark it answers. */
export const scopeFields = {
  when: z
    .record(z.string(), axisValueSchema)
    .readonly()
    .exactOptional()
    .describe('The cells it judges, by axis value or option name; of several thresholds the most specific one judges.'),
  benchmark: z
    .string()
    .min(1, 'the name of a benchmark')
    .exactOptional()
    .describe('The benchmark it answers, where that is not plain from the metric.'),
};

/** A metric, and the field of a threshold that names it. */
interface NamedMetric {
  readonly path: readonly string[];
  readonly metric: string;
}

/** What a kind of threshold says of itself, so that shared code never branches on a kind. */
export interface ThresholdRules<Fields> {
  /** The benchmark it answers when it does not name one. */
  readonly benchmark: (threshold: Fields) => string;
  /** The metrics it reads, each with the field that names it. */
  readonly metrics: (threshold: Fields) => readonly NamedMetric[];
  /** Why no run could miss it; null when one could. */
  readonly vacuous: (threshold: Fields) => string | null;
  /** How it is written to answer a benchmark, with `...` for what only the writer knows; null when it cannot. */
  readonly example: (benchmark: string, metrics: readonly string[]) => string | null;
}

/** Declares a kind of threshold: its strict schema and its answers. */
export function defineKind<Schema extends z.ZodType>(
  declaration: { readonly schema: Schema } & ThresholdRules<z.output<Schema>>,
): { readonly schema: Schema } & ThresholdRules<z.output<Schema>> {
  return declaration;
}
