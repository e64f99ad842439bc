import { claims } from 'vitest-assay/claims';

const PATIENCE_MS = 30_000;

/** Tier 2, ours: whatever the percentiles say, nobody waits longer than that for the first token. */
export default claims({
  nobody_gives_up: {
    async check({ run, expect }) {
      const samples = await run.samples();
      expect(Math.max(...run.evaluable(samples.numeric('ttft_ms'), 'ttft_ms'))).toBeLessThan(PATIENCE_MS);
    },
  },
});
