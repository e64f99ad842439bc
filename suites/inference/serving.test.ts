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
      expect(run.scalar('completed') / run.scalar('requests')).toBeGreaterThanOrEqual(0.99);
    },
  },
  no_5xx_burst: {
    when: sendsRequests,
    check({ run, expect }) {
      const { http_5xx: count = null } = run.manifest.result.scalars;
      run.requirePhase('parse');
      expect(run.evaluable(count, 'how many answers were server errors')).toBe(0);
    },
  },
  every_request_sampled: {
    when: sendsRequests,
    check({ run, cell, expect }) {
      expect(run.scalar('requests')).toBe(cell.params['num_prompts']);
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
      const input = run.evaluable(samples.numeric('input_tokens'), 'the lengths of the prompts');
      const output = run.evaluable(samples.numeric('output_tokens'), 'the lengths of the answers');
      const completed = (lengths: Float64Array): number[] => [...lengths].filter((_, row) => samples.ok[row] === 1);
      if (isOwnClient(cell)) {
        expect([...new Set(input)]).toEqual([isl]);
        expect([...new Set(output)]).toEqual([osl]);
        return;
      }
      expect(deviation(completed(input), Number(isl))).toBeLessThanOrEqual(LENGTH_TOLERANCE);
      if (osl !== undefined) expect(deviation(completed(output), Number(osl))).toBeLessThanOrEqual(LENGTH_TOLERANCE);
    },
  },
  client_not_the_bottleneck: {
    when: isOwnClient,
    check({ run, expect }) {
      expect(run.scalar('client_event_loop_delay_max_ms')).toBeLessThan(CLIENT_DELAY_LIMIT_MS);
    },
  },
});

/** How far the mean of lengths is from what was asked, as a share of it. */
function deviation(lengths: readonly number[], asked: number): number {
  const mean = lengths.reduce((sum, length) => sum + length, 0) / lengths.length;
  return Math.abs(mean - asked) / asked;
}
