import { claims } from 'vitest-assay/claims';

/** Tier 4: jax-js trains as the config asks. */
export default claims({
  ranks_applied: {
    check({ run, expect }) {
      const { asked, applied } = run.applied('ranks');
      expect(applied).toBe(asked);
    },
  },
  steps_applied: {
    check({ run, expect }) {
      const { asked, applied } = run.applied('steps');
      // The fewest that any rank did.
      expect(applied).toBe(asked);
    },
  },
  batch_applied: {
    check({ run, expect }) {
      const { asked, applied } = run.applied('tokens_per_rank');
      expect(applied).toBe(asked);
    },
  },
  loss_exchanged: {
    when: ({ topology }) => topology === 'distributed',
    async check({ run, expect }) {
      // Every rank works on a batch of its own, and tells the loss of all of them together.
      const [first, ...others] = (await run.trajectory()).filter(({ metric }) => metric === 'loss');
      const losses = run.evaluable(first ?? null, 'the loss of any rank').values;
      expect(others.map(({ values }) => values)).toEqual(Array.from(others, () => losses));
    },
  },
  weights_agree: {
    check({ run, expect }) {
      expect(run.scalar('weights_agree')).toBe(1);
    },
  },
  model_intact: {
    when: ({ params }) => params['save_model'] !== false,
    check({ run, expect }) {
      expect(run.scalar('model_intact')).toBe(1);
    },
  },
});
