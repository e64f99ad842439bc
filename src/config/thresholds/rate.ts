import { z } from 'zod';
import { comparisonSchema, vacuousLimit } from './comparison.ts';
import { defineKind, metricSchema, scopeFields } from './kind.ts';

/** Seconds in the unit of time that a rate is stated in. */
export const SECONDS_PER_UNIT = { sec: 1, min: 60, hour: 3600 } as const;

/** `{kind: Rate, metric: throughput, per_unit: sec, op: ">=", min_rate: 1200}`: an amount over the measured duration. */
export const rateKind = defineKind({
  schema: z
    .strictObject({
      kind: z.literal('Rate').describe('An amount over the measured duration.'),
      metric: metricSchema,
      per_unit: z.enum(['sec', 'min', 'hour']).describe('The time that the rate is stated in.'),
      op: comparisonSchema,
      min_rate: z.number().describe('The limit, for each `per_unit`.'),
      ...scopeFields,
    })
    .readonly(),
  benchmark: ({ metric }) => metric,
  metrics: ({ metric }) => [{ path: ['metric'], metric }],
  vacuous: ({ op, min_rate, per_unit }) => vacuousLimit(op, min_rate / SECONDS_PER_UNIT[per_unit]),
  example: (benchmark, metrics) =>
    benchmark.endsWith('throughput') && metrics.includes(benchmark)
      ? `{kind: Rate, metric: ${benchmark}, per_unit: sec, op: ">=", min_rate: ...}`
      : null,
});
