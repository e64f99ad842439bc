import { claims } from 'vitest-assay/claims';
import { allAsAsked, asAsked, asksAiter, hasKnob, isAiter } from './as-asked.ts';

/** Tier 4: vLLM runs with what the config asks for, as far as its own log says it. */
export default claims({
  attention_backend_matches: { when: hasKnob('attention'), check: asAsked('attention') },
  aiter_flags_active: {
    when: asksAiter,
    check({ run, cell, expect }) {
      expect(run.applied('aiter').applied).toBe(true);
      if (!isAiter(cell.knobs['fused_moe'])) return;
      const { asked, applied } = run.applied('fused_moe');
      expect(applied).toBe(asked);
    },
  },
  quantization_matches: { when: hasKnob('quant'), check: asAsked('quant') },
  context_applied: {
    when: ({ params }) => params['max_model_length'] !== undefined,
    check: asAsked('max_model_length'),
  },
  parallelism_applied: { check: allAsAsked('tensor_parallelism', 'pipeline_parallelism', 'data_parallelism') },
  server_counts_agree: {
    check({ run, expect }) {
      expect(run.scalar('server_output_tokens')).toBe(run.scalar('client_output_tokens'));
    },
  },
});
