import { claims } from 'vitest-assay/claims';

/** Tier 4: llama.cpp runs with what the config asks for. */
export default claims({
  knobs_applied: {
    check({ run, expect }) {
      const backend = run.applied('backend');
      const slots = run.applied('parallel_slots');
      expect([backend.applied, slots.applied]).toEqual([backend.asked, slots.asked]);
    },
  },
  threads_applied: {
    check({ run, expect }) {
      const { asked, applied } = run.applied('threads');
      expect(applied).toBe(asked);
    },
  },
  context_applied: {
    check({ run, expect }) {
      const { asked, applied } = run.applied('max_model_length');
      // llama.cpp rounds a context up, never down.
      expect(applied).toBeGreaterThanOrEqual(Number(asked));
    },
  },
  server_counts_agree: {
    check({ run, expect }) {
      expect(run.scalar('server_output_tokens')).toBe(run.scalar('client_output_tokens'));
    },
  },
});
