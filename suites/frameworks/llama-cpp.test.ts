import { claims } from 'vitest-assay/claims';

/** Tier 4: llama.cpp runs with what the config asks for. */
export default claims({
  knobs_applied: {
    check({ run, expect }) {
      run.requirePhase('parse');
      const { backend, parallel_slots: slots } = run.manifest.result.applied;
      expect(backend?.applied).toBe(backend?.asked);
      expect(slots?.applied).toBe(slots?.asked);
    },
  },
  threads_applied: {
    check({ run, expect }) {
      run.requirePhase('parse');
      const { threads } = run.manifest.result.applied;
      expect(threads?.applied).toBe(threads?.asked);
    },
  },
  context_applied: {
    check({ run, expect }) {
      run.requirePhase('parse');
      // llama.cpp rounds a context up, never down.
      expect(run.manifest.result.applied['max_model_length']?.applied).toBeGreaterThanOrEqual(
        Number(run.manifest.params['max_model_length']),
      );
    },
  },
  server_counts_agree: {
    check({ run, expect }) {
      expect(run.scalar('server_output_tokens')).toBe(run.scalar('client_output_tokens'));
    },
  },
});
