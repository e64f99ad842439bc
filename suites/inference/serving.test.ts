import { claims } from 'vitest-assay/claims';
import type { ClaimContext } from 'vitest-assay/claims';

type Cell = ClaimContext['cell'];

/** Longest acceptable time in which the load client kept a socket waiting. */
const CLIENT_DELAY_LIMIT_MS = 250;

/** How far lengths may be off, as a share, where a client makes prompts as text: the server's tokens are not quite its own. */
const LENGTH_TOLERANCE = 0.05;

const sendsRequests = ({ params }: Cell): boolean => params['num_prompts'] !== undefined;
const isOwnClient = ({ framework, params }: Cell): boolean =>
  framework === 'llama_cpp' || params['load_client'] === 'assay';
/** A ratio of 0 is none to vLLM's client; to the others it is the whole range, and 1 is none. */
const FIXED_RATIO: Readonly<Record<string, readonly unknown[]>> = {
  inferencemax: [undefined, 1],
  sglang_disagg: [undefined, 1],
};
const hasFixedLengths = ({ framework, params }: Cell): boolean =>
  typeof params['isl'] === 'number' &&
  (FIXED_RATIO[framework] ?? [undefined, 0]).includes(params['random_range_ratio']);

/** Tier 2: what holds for every inference run, whatever serves it. */
export default claims({
  request_success_rate: {
    check({ run, expect }) {
      expect(measured(run, 'completed') / measured(run, 'requests')).toBeGreaterThanOrEqual(0.99);
    },
  },
  no_5xx_burst: {
    when: sendsRequests,
    check({ run, expect }) {
      expect(measured(run, 'http_5xx')).toBe(0);
    },
  },
  every_request_sampled: {
    when: sendsRequests,
    check({ run, cell, expect }) {
      expect(measured(run, 'requests')).toBe(cell.params['num_prompts']);
      const rows = run.manifest.sidecars['samples.parquet']?.rows ?? 0;
      // Some clients save a summary only.
      expect(run.evaluable(rows === 0 ? null : rows, 'any single request')).toBe(cell.params['num_prompts']);
    },
  },
  lengths_as_asked: {
    when: (cell) => sendsRequests(cell) && hasFixedLengths(cell),
    async check({ run, cell, expect }) {
      const samples = await run.samples();
      const { isl, osl } = cell.params;
      const lengths = (column: string): readonly number[] => {
        const all = [...(samples.numeric(column) ?? [])].filter((_, row) => samples.ok[row] === 1);
        const isMeasured = all.length > 0 && all.every(Number.isFinite);
        return run.evaluable(isMeasured ? all : null, `${column} of every completed request`);
      };
      if (isOwnClient(cell)) {
        expect([...new Set(lengths('input_tokens'))]).toEqual([isl]);
        expect([...new Set(lengths('output_tokens'))]).toEqual([osl]);
        return;
      }
      expect(deviation(lengths('input_tokens'), Number(isl))).toBeLessThanOrEqual(LENGTH_TOLERANCE);
      if (osl !== undefined)
        expect(deviation(lengths('output_tokens'), Number(osl))).toBeLessThanOrEqual(LENGTH_TOLERANCE);
    },
  },
  client_not_the_bottleneck: {
    when: isOwnClient,
    check({ run, expect }) {
      expect(run.scalar('client_event_loop_delay_max_ms')).toBeLessThan(CLIENT_DELAY_LIMIT_MS);
    },
  },
});

/** A figure that not every client gives; skips the claim where this one did not. */
function measured(run: ClaimContext['run'], name: string): number {
  run.requirePhase('parse');
  return run.evaluable(run.manifest.result.scalars[name] ?? null, name);
}

/** How far the mean of lengths is from what was asked, as a share of it. */
function deviation(lengths: readonly number[], asked: number): number {
  const mean = lengths.reduce((sum, length) => sum + length, 0) / lengths.length;
  return Math.abs(mean - asked) / asked;
}
