import { claims } from 'vitest-assay/claims';
import type { ClaimContext } from 'vitest-assay/claims';

type Cell = ClaimContext['cell'];

const asksAiter = (knob: unknown): boolean => String(knob).startsWith('aiter');
const has = (name: string) => (cell: Cell) => cell.knobs[name] !== undefined;

/** Tier 4: vLLM runs with what the config asks for, as far as its own log says it. */
export default claims({
  attention_backend_matches: {
    when: has('attention'),
    check({ run, expect }) {
      const { asked, applied } = run.applied('attention');
      expect(applied).toBe(asked);
    },
  },
  aiter_flags_active: {
    when: ({ knobs }) => asksAiter(knobs['attention']) || asksAiter(knobs['fused_moe']),
    check({ run, cell, expect }) {
      expect(run.applied('aiter').applied).toBe(true);
      if (!asksAiter(cell.knobs['fused_moe'])) return;
      const { asked, applied } = run.applied('fused_moe');
      expect(applied).toBe(asked);
    },
  },
  quantization_matches: {
    when: has('quant'),
    check({ run, expect }) {
      const { asked, applied } = run.applied('quant');
      expect(applied).toBe(asked);
    },
  },
  context_applied: {
    when: ({ params }) => params['max_model_length'] !== undefined,
    check({ run, expect }) {
      const { asked, applied } = run.applied('max_model_length');
      expect(applied).toBe(asked);
    },
  },
  parallelism_applied: {
    check({ run, expect }) {
      const degrees = ['tensor_parallelism', 'pipeline_parallelism', 'data_parallelism'].map((name) =>
        run.applied(name),
      );
      expect(degrees.map(({ applied }) => applied)).toEqual(degrees.map(({ asked }) => asked));
    },
  },
  server_counts_agree: {
    check({ run, expect }) {
      expect(run.scalar('server_output_tokens')).toBe(run.scalar('client_output_tokens'));
    },
  },
});
