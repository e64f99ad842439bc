import { claims } from 'vitest-assay/claims';

/** Tier 6: what is known about the byte-level llama. */
export default claims({
  every_window_scored: {
    benchmark: 'perplexity',
    async check({ run, expect }) {
      const series = (await run.trajectory()).find(({ metric }) => metric === 'nll');
      const nll = run.evaluable(series ?? null, 'the likelihood of the held-out text');
      expect([...nll.steps]).toEqual(Array.from(nll.steps, (_, index) => index));
      // Worse than one of 256 bytes at random means that the tokeniser is off.
      expect(Math.max(...nll.values)).toBeLessThan(Math.log(256));
    },
  },
});
