import { z } from 'zod';
import { percentileName } from '../metric-name.ts';
import { comparisonSchema, vacuousLimit } from './comparison.ts';
import { defineKind, scopeFields } from './kind.ts';

const percentRange = 'a percentile above 0 and at most 100';

/** `{kind: Percentile, metric: ttft_ms, percentile: 99, op: "<=", value: 50}`: a percentile over the completed requests. */
export const percentileKind = defineKind({
  schema: z
    .strictObject({
      kind: z.literal('Percentile'),
      metric: z.string().min(1),
      percentile: z.number().gt(0, percentRange).lte(100, percentRange),
      op: comparisonSchema,
      value: z.number(),
      role: z.string().min(1).exactOptional(),
      min_samples: z.union([z.int().min(1), z.literal('auto')], 'a whole number above 0, or auto').exactOptional(),
      ...scopeFields,
    })
    .refine(({ percentile, min_samples }) => percentile < 100 || min_samples !== 'auto', {
      path: ['min_samples'],
      error: 'a number: no number of samples is enough for the 100th percentile',
    })
    .readonly(),
  benchmark: ({ metric, percentile }) => percentileName(metric, percentile),
  metrics: ({ metric }) => [{ path: ['metric'], metric }],
  vacuous: ({ op, value }) => vacuousLimit(op, value),
});
