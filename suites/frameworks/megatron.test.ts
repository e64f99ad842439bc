import { claims } from 'vitest-assay/claims';

/** Tier 4: Megatron-LM trains as the config asks, by what it says itself. */
export default claims({
  parallelism_applied: {
    check({ run, expect }) {
      const degrees = ['tp', 'pp', 'dp', 'fsdp', 'cp', 'ep'].map((name) => [name, run.applied(name)] as const);
      expect(degrees.map(([name, { applied }]) => [name, applied])).toEqual(
        degrees.map(([name, { asked }]) => [name, asked]),
      );
    },
  },
  attention_backend_matches: {
    when: ({ knobs }) => knobs['attention'] !== undefined,
    check({ run, expect }) {
      const { asked, applied } = run.applied('attention');
      expect(applied).toBe(asked);
    },
  },
  precision_applied: {
    check({ run, expect }) {
      const { asked, applied } = run.applied('precision');
      expect(applied).toBe(asked);
    },
  },
  batch_size_applied: {
    check({ run, expect }) {
      const micro = run.applied('micro_batch_size');
      const global = run.applied('global_batch_size');
      expect([micro.applied, global.applied]).toEqual([micro.asked, global.asked]);
    },
  },
});
