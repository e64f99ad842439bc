import { z } from 'zod';

const axisValueSchema = z.union([z.string(), z.number(), z.boolean()]);

/** The fields every kind of threshold has: which cells it judges, and which benchmark it answers. */
export const scopeFields = {
  when: z.record(z.string(), axisValueSchema).readonly().exactOptional(),
  benchmark: z.string().min(1, 'the name of a benchmark').exactOptional(),
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
}

/** Declares a kind of threshold: its strict schema and its answers. */
export function defineKind<Schema extends z.ZodType>(
  declaration: { readonly schema: Schema } & ThresholdRules<z.output<Schema>>,
): { readonly schema: Schema } & ThresholdRules<z.output<Schema>> {
  return declaration;
}
