import { z } from 'zod';
import { parseMetricName } from '../metric-name.ts';
import { vacuousLimit } from './comparison.ts';
import { defineKind, metricSchema, scopeFields } from './kind.ts';

/** `{kind: Stability, metric: step_time_ms, window_size: 50, max_variance: 25.0}`: the variance of any 50 consecutive values. */
export const stabilityKind = defineKind({
  schema: z
    .strictObject({
      kind: z.literal('Stability').describe('The largest variance of any consecutive values.'),
      metric: metricSchema,
      window_size: z
        .int()
        .min(2, 'a whole number of 2 or more: a single value does not vary')
        .describe('How many consecutive values.'),
      max_variance: z
        .number()
        .nonnegative('a variance of 0 or more')
        .describe('The limit of their population variance, in the squared unit of the metric.'),
      ...scopeFields,
    })
    .readonly(),
  benchmark: ({ metric }) => `${parseMetricName(metric).stem}_stability`,
  metrics: ({ metric }) => [{ path: ['metric'], metric }],
  // A variance is a square: its root is what compares with the metric's values.
  vacuous: ({ max_variance }) => vacuousLimit('<=', Math.sqrt(max_variance)),
  example(benchmark, metrics) {
    const metric = metrics.find((name) => benchmark === `${parseMetricName(name).stem}_stability`);
    return metric === undefined ? null : `{kind: Stability, metric: ${metric}, window_size: 50, max_variance: ...}`;
  },
});
