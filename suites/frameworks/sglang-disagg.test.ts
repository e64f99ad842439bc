import { claims } from 'vitest-assay/claims';
import { allAsAsked, asAsked, asksAiter, hasKnob } from './as-asked.ts';

/** Tier 4: SGLang's servers and router run with what the config asks for, as far as they say it. */
export default claims({
  attention_backend_matches: { when: hasKnob('attention'), check: asAsked('attention') },
  aiter_flags_active: {
    when: asksAiter,
    check({ run, expect }) {
      expect(run.applied('aiter').applied).toBe(true);
    },
  },
  transfer_backend_matches: {
    check({ run, expect }) {
      const { asked, applied } = run.applied('disaggregation_transfer_backend');
      // Over TCP it is mooncake as well, told by a variable.
      expect(String(asked).replace('_tcp', '')).toBe(String(applied).replace('_tcp', ''));
    },
  },
  quantization_matches: { when: hasKnob('quant'), check: asAsked('quant') },
  roles_registered: { check: allAsAsked('prefill_servers', 'decode_servers') },
  parallelism_applied: { check: allAsAsked('prefill_tensor_parallelism', 'decode_tensor_parallelism') },
  handoffs_complete: {
    check({ run, expect }) {
      // No request was decoded without a prefill that belongs to it.
      expect(run.scalar('handoffs_unmatched')).toBe(0);
    },
  },
});
