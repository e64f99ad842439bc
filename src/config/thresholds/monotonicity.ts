import { z } from 'zod';
import { parseMetricName } from '../metric-name.ts';
import { vacuousLimit } from './comparison.ts';
import { defineKind, metricSchema, scopeFields } from './kind.ts';

const fractionRange = 'a fraction above 0 and at most 1';

const windowSchema = z.union([
  z.literal('last_quarter', 'last_quarter'),
  z.number(fractionRange).gt(0, fractionRange).lte(1, fractionRange),
  z
    .strictObject({ last_steps: z.int().min(2, 'at least 2 steps').describe('How many steps.') }, '{last_steps: n}')
    .readonly(),
]);

/** The end of a series that is looked at: a quarter of its points, another fraction of them, or those of the last steps. */
export type Window = z.output<typeof windowSchema>;

/** `{kind: Monotonicity, metric: loss, window: last_quarter, tolerance: 0.02}`: how far a series may turn back between two points. */
export const monotonicityKind = defineKind({
  schema: z
    .strictObject({
      kind: z.literal('Monotonicity').describe('How far the series turns back between two of its points.'),
      metric: metricSchema,
      window: windowSchema.describe(
        'The end of the series that is looked at: last_quarter, another fraction of its points, or {last_steps: n}.',
      ),
      direction: z
        .enum(['non_increasing', 'non_decreasing'])
        .default('non_increasing')
        .describe('Where the series may go.'),
      tolerance: z
        .number()
        .nonnegative('a reversal of 0 or more')
        .describe('The largest step back, in the unit of the metric, or as a share of the value before it.'),
      relative: z.boolean().exactOptional().describe('Whether the tolerance is a share, e.g. 0.02 for 2 %.'),
      ...scopeFields,
    })
    .readonly(),
  benchmark: ({ metric }) => `monotonic_${parseMetricName(metric).stem}`,
  metrics: ({ metric }) => [{ path: ['metric'], metric }],
  vacuous: ({ tolerance }) => vacuousLimit('<=', tolerance),
  example(benchmark, metrics) {
    const metric = metrics.find((name) => benchmark === `monotonic_${parseMetricName(name).stem}`);
    if (metric === undefined) return null;
    return `{kind: Monotonicity, metric: ${metric}, window: last_quarter, tolerance: ...}`;
  },
});
