import { z } from 'zod';
import { parseMetricName, percentileName } from '../metric-name.ts';
import { comparisonSchema, vacuousLimit } from './comparison.ts';
import { defineKind, metricSchema, scopeFields } from './kind.ts';

const percentRange = 'a percentile above 0 and at most 100';

/** `{kind: Percentile, metric: ttft_ms, percentile: 99, op: "<=", value: 50}`: a percentile over the completed requests. */
export const percentileKind = defineKind({
  schema: z
    .strictObject({
      kind: z.literal('Percentile').describe('A percentile over the completed requests.'),
      metric: metricSchema,
      percentile: z
        .number()
        .gt(0, percentRange)
        .lte(100, percentRange)
        .describe('Which percentile, above 0 and at most 100.'),
      op: comparisonSchema,
      value: z.number().describe('The limit, in the unit of the metric.'),
      role: z.string().min(1).exactOptional().describe('Judges only the requests of this role.'),
      min_samples: z
        .union([z.int().min(1), z.literal('auto')], 'a whole number above 0, or auto')
        .exactOptional()
        .describe('Requests without which nothing is judged; `auto` takes as many as the percentile needs.'),
      ...scopeFields,
    })
    .refine(({ percentile, min_samples }) => percentile < 100 || min_samples !== 'auto', {
      path: ['min_samples'],
      error: 'a number: no number of samples is enough for the 100th percentile',
    })
    .meta({
      not: {
        required: ['percentile', 'min_samples'],
        properties: { percentile: { const: 100 }, min_samples: { const: 'auto' } },
      },
    })
    .readonly(),
  benchmark: ({ metric, percentile }) => percentileName(metric, percentile),
  metrics: ({ metric }) => [{ path: ['metric'], metric }],
  vacuous: ({ op, value }) => vacuousLimit(op, value),
  example(benchmark, metrics) {
    const [, stem, percentile = ''] = /^(.+)_p(\d+(?:_\d+)?)$/.exec(benchmark) ?? [];
    const metric = metrics.find((name) => parseMetricName(name).stem === stem);
    if (metric === undefined) return null;
    return `{kind: Percentile, metric: ${metric}, percentile: ${percentile.replace('_', '.')}, op: "<=", value: ...}`;
  },
});
