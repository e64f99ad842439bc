import { z } from 'zod';
import { comparisonSchema, vacuousLimit } from './comparison.ts';
import { defineKind, scopeFields } from './kind.ts';

const boundMs = z.number().positive('a number of milliseconds above 0');

/** `{kind: Goodput, ttft_max_ms: 450, tpot_max_ms: 40, op: ">=", min_qps: 600}`: requests per second that meet every bound. */
export const goodputKind = defineKind({
  schema: z
    .strictObject({
      kind: z.literal('Goodput').describe('Requests per second that meet every bound.'),
      metric_pair: z
        .strictObject({
          ttft: z.string().min(1).describe('The metric that `ttft_max_ms` bounds.'),
          tpot: z.string().min(1).describe('The metric that `tpot_max_ms` bounds.'),
        })
        .readonly()
        .default({ ttft: 'ttft_ms', tpot: 'tpot_ms' })
        .describe('The metrics that the first two bounds are about.'),
      ttft_max_ms: boundMs.describe('Longest time to the first token, ms.'),
      tpot_max_ms: boundMs.describe('Longest time for each further token, ms.'),
      e2el_max_ms: boundMs.exactOptional().describe('Longest time of the whole request, ms.'),
      op: comparisonSchema,
      min_qps: z.number().describe('The limit, requests per second.'),
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
  example: (benchmark, metrics) =>
    benchmark === 'goodput' && metrics.includes('ttft_ms')
      ? '{kind: Goodput, ttft_max_ms: ..., tpot_max_ms: ..., op: ">=", min_qps: ...}'
      : null,
});
