import { claims } from 'vitest-assay/claims';
import type { ClaimContext } from 'vitest-assay/claims';

type Cell = ClaimContext['cell'];

const asksAiter = ({ knobs }: Cell): boolean =>
  [knobs['attention'], knobs['fused_moe']].some((knob) => String(knob).startsWith('aiter'));
const has = (name: string) => (cell: Cell) => cell.knobs[name] !== undefined;

/** Tier 4: SGLang's servers and router run with what the config asks for, as far as they say it. */
export default claims({
  attention_backend_matches: {
    when: has('attention'),
    check({ run, expect }) {
      const { asked, applied } = run.applied('attention');
      expect(applied).toBe(asked);
    },
  },
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
  quantization_matches: {
    when: has('quant'),
    check({ run, expect }) {
      const { asked, applied } = run.applied('quant');
      expect(applied).toBe(asked);
    },
  },
  roles_registered: {
    check({ run, expect }) {
      const servers = ['prefill_servers', 'decode_servers'].map((name) => run.applied(name));
      expect(servers.map(({ applied }) => applied)).toEqual(servers.map(({ asked }) => asked));
    },
  },
  parallelism_applied: {
    check({ run, expect }) {
      const degrees = ['prefill_tensor_parallelism', 'decode_tensor_parallelism'].map((name) => run.applied(name));
      expect(degrees.map(({ applied }) => applied)).toEqual(degrees.map(({ asked }) => asked));
    },
  },
  handoffs_complete: {
    check({ run, expect }) {
      // No request was decoded without a prefill that belongs to it.
      expect(run.scalar('handoffs_unmatched')).toBe(0);
    },
  },
});
