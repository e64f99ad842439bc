import { claims } from 'vitest-assay/claims';

/** Nats per byte of what knows nothing: each of the 256 bytes is as likely as any other. */
const GUESSING_NATS = Math.log(256);

/** What knows how often each byte occurs in the held-out text, and nothing of the bytes before it. */
const COUNTING_NATS = 2.94;

/** Tier 6: what is known about the byte-level llama. */
export default claims({
  every_window_scored: {
    benchmark: 'perplexity',
    async check({ run, expect }) {
      const series = (await run.trajectory()).find(({ metric }) => metric === 'nll');
      const nll = run.evaluable(series ?? null, 'the likelihood of the held-out text');
      expect([...nll.steps]).toEqual(Array.from(nll.steps, (_, index) => index));
      // Worse than guessing means that the tokeniser is off.
      expect(Math.max(...nll.values)).toBeLessThan(GUESSING_NATS);
    },
  },
  parameter_count: {
    when: ({ workloadKind }) => workloadKind === 'training',
    check({ run, expect }) {
      expect(run.scalar('parameters')).toBe(468_352);
    },
  },
  starts_from_nothing: {
    when: ({ workloadKind }) => workloadKind === 'training',
    check({ run, expect }) {
      // Fresh weights guess among 259 tokens; much better ones have seen the text before.
      expect(Math.abs(run.scalar('loss_first') - GUESSING_NATS)).toBeLessThan(0.1);
    },
  },
  generalizes: {
    benchmark: 'convergence',
    when: ({ workloadKind }) => workloadKind === 'training',
    check({ run, expect }) {
      // On a text that it was not trained on.
      expect(run.scalar('heldout_nll')).toBeLessThan(COUNTING_NATS);
    },
  },
});
