import { claims } from 'vitest-assay/claims';

/** Tier 4: torchtitan trains with what the config asks for, as far as its log says what is in force. */
export default claims({
  parallelism_applied: {
    check({ run, expect }) {
      const { asked, applied } = run.applied('parallelism');
      expect(applied).toBe(asked);
    },
  },
  compile_applied: {
    check({ run, expect }) {
      const { asked, applied } = run.applied('compile');
      expect(applied).toBe(asked);
    },
  },
  quantization_applied: {
    when: ({ params }) => params['float8'] !== undefined,
    check({ run, expect }) {
      const { asked, applied } = run.applied('float8');
      expect(applied).toBe(asked);
    },
  },
  activation_checkpoint_applied: {
    when: ({ params }) => params['activation_checkpoint'] !== undefined && params['activation_checkpoint'] !== 'none',
    check({ run, expect }) {
      const { asked, applied } = run.applied('activation_checkpoint');
      expect(applied).toBe(asked);
    },
  },
  batch_applied: {
    check({ run, expect }) {
      const [batch, length] = [run.applied('local_batch_size'), run.applied('seq_len')];
      expect([batch.applied, length.applied]).toEqual([batch.asked, length.asked]);
    },
  },
});
