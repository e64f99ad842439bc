import { z } from 'zod';
import { vacuousLimit } from './comparison.ts';
import { defineKind, metricSchema, scopeFields } from './kind.ts';

/** `{kind: Convergence, metric: loss, target: 2.1, epsilon: 0.1, by_step: 500}`: some point of the series gets there in time. */
export const convergenceKind = defineKind({
  schema: z
    .strictObject({
      kind: z.literal('Convergence').describe('Some point of the series comes close to a target in time.'),
      metric: metricSchema,
      target: z.number().describe('The value to reach, in the unit of the metric.'),
      epsilon: z.number().nonnegative('a distance of 0 or more').describe('How far from the target is close enough.'),
      by_step: z.int().nonnegative().exactOptional().describe('The last step that counts; absent, every step does.'),
      by_wallclock_sec: z
        .number()
        .positive('a number of seconds above 0')
        .exactOptional()
        .describe('Seconds after the start of the run that still count.'),
      op: z.literal('<=').exactOptional().describe('`<=` also accepts any value below the target.'),
      ...scopeFields,
    })
    .refine(({ by_step, by_wallclock_sec }) => by_step === undefined || by_wallclock_sec === undefined, {
      path: ['by_wallclock_sec'],
      error: 'write by_step or by_wallclock_sec, not both',
    })
    .meta({ not: { required: ['by_step', 'by_wallclock_sec'] } })
    .readonly(),
  benchmark: ({ metric }) => (metric === 'perplexity' ? 'perplexity' : 'convergence'),
  metrics: ({ metric }) => [{ path: ['metric'], metric }],
  vacuous({ op, target, epsilon }) {
    if (op === '<=') return vacuousLimit('<=', target + epsilon);
    // Around a target of 0 every epsilon is larger than the target, and still a bound.
    const reachesZero = target !== 0 && epsilon >= Math.abs(target);
    return reachesZero ? `epsilon ${epsilon} is as wide as the target ${target}` : vacuousLimit('<=', epsilon);
  },
  example(benchmark, metrics) {
    const metric = benchmark === 'convergence' ? 'loss' : benchmark;
    if (!['convergence', 'perplexity'].includes(benchmark) || !metrics.includes(metric)) return null;
    return `{kind: Convergence, metric: ${metric}, target: ..., epsilon: ...}`;
  },
});
