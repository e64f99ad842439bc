import { claims } from 'vitest-assay/claims';

/** Tier 4: MaxText trains with what the config asks for, as far as it and XLA say what is in force. */
export default claims({
  xla_flags_applied: {
    when: ({ params }) => params['xla_flags'] !== undefined,
    check({ run, expect }) {
      const { asked, applied } = run.applied('xla_flags');
      expect(applied).toBe(asked);
    },
  },
  attention_backend_matches: {
    when: ({ knobs }) => knobs['attention'] !== undefined,
    check({ run, expect }) {
      const { asked, applied } = run.applied('attention');
      expect(applied).toBe(asked);
    },
  },
  parallelism_applied: {
    check({ run, expect }) {
      const { asked, applied } = run.applied('parallelism');
      expect(applied).toBe(asked);
    },
  },
  quantization_applied: {
    check({ run, expect }) {
      const { asked, applied } = run.applied('quantization');
      expect(applied).toBe(asked);
    },
  },
});
