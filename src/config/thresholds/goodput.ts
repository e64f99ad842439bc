import { z } from 'zod';
import { comparisonSchema, vacuousLimit } from './comparison.ts';
import { defineKind, scopeFields } from './kind.ts';

const boundMs = z.number().positive('a number of milliseconds above 0');

/** `{kind: Goodput, ttft_max_ms: 450, tpot_max_ms: 40, op: ">=", min_qps: 600}`: requests per second that meet every bound. */
export const goodputKind = defineKind({
  schema: z
    .strictObject({
      kind: z.literal('Goodput'),
      metric_pair: z
        .strictObject({ ttft: z.string().min(1), tpot: z.string().min(1) })
        .readonly()
        .default({ ttft: 'ttft_ms', tpot: 'tpot_ms' }),
      ttft_max_ms: boundMs,
      tpot_max_ms: boundMs,
      e2el_max_ms: boundMs.exactOptional(),
      op: comparisonSchema,
      min_qps: z.number(),
      ...scopeFields,
    })
    .readonly(),
  benchmark: () => 'goodput',
  metrics: ({ metric_pair, e2el_max_ms }) => [
    { path: ['metric_pair', 'ttft'], metric: metric_pair.ttft },
    { path: ['metric_pair', 'tpot'], metric: metric_pair.tpot },
    ...(e2el_max_ms === undefined ? [] : [{ path: ['e2el_max_ms'], metric: 'e2el_ms' }]),
  ],
  vacuous: ({ op, min_qps }) => vacuousLimit(op, min_qps),
});
