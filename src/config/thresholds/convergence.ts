import { z } from 'zod';
import { vacuousLimit } from './comparison.ts';
import { defineKind, scopeFields } from './kind.ts';

/** `{kind: Convergence, metric: loss, target: 2.1, epsilon: 0.1, by_step: 500}`: some point of the series gets there in time. */
export const convergenceKind = defineKind({
  schema: z
    .strictObject({
      kind: z.literal('Convergence'),
      metric: z.string().min(1),
      target: z.number(),
      epsilon: z.number().nonnegative('a distance of 0 or more'),
      by_step: z.int().nonnegative().exactOptional(),
      by_wallclock_sec: z.number().positive('a number of seconds above 0').exactOptional(),
      op: z.literal('<=').exactOptional(),
      ...scopeFields,
    })
    .refine(({ by_step, by_wallclock_sec }) => by_step === undefined || by_wallclock_sec === undefined, {
      path: ['by_wallclock_sec'],
      error: 'by_step or by_wallclock_sec, not both',
    })
    .readonly(),
  benchmark: ({ metric }) => (metric === 'perplexity' ? 'perplexity' : 'convergence'),
  metrics: ({ metric }) => [{ path: ['metric'], metric }],
  vacuous({ op, target, epsilon }) {
    if (op === '<=') return vacuousLimit('<=', target + epsilon);
    // Around a target of 0 every epsilon is larger than the target, and still a bound.
    const reachesZero = target !== 0 && epsilon >= Math.abs(target);
    return reachesZero ? `epsilon ${epsilon} is as wide as the target ${target}` : vacuousLimit('<=', epsilon);
  },
});
