import { claims } from 'vitest-assay/claims';

/** Longest acceptable time in which the load client kept a socket waiting. */
const CLIENT_DELAY_LIMIT_MS = 250;

/** Tier 2: what holds for every inference run, whatever serves it. */
export default claims({
  request_success_rate: {
    check({ run, expect }) {
      expect(run.scalar('completed') / run.scalar('requests')).toBeGreaterThanOrEqual(0.99);
    },
  },
  no_5xx_burst: {
    check({ run, expect }) {
      expect(run.scalar('http_5xx')).toBe(0);
    },
  },
  every_request_sampled: {
    check({ run, cell, expect }) {
      expect(run.scalar('requests')).toBe(cell.params['num_prompts']);
      expect(run.manifest.sidecars['samples.parquet']?.rows).toBe(cell.params['num_prompts']);
    },
  },
  lengths_as_asked: {
    async check({ run, cell, expect }) {
      const samples = await run.samples();
      const { isl, osl } = cell.params;
      expect([...new Set(samples.numeric('input_tokens'))]).toEqual([isl]);
      expect([...new Set(samples.numeric('output_tokens'))]).toEqual([osl]);
    },
  },
  client_not_the_bottleneck: {
    check({ run, expect }) {
      expect(run.scalar('client_event_loop_delay_max_ms')).toBeLessThan(CLIENT_DELAY_LIMIT_MS);
    },
  },
});
