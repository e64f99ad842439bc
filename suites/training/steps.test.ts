import { claims } from 'vitest-assay/claims';
import type { ClaimContext } from 'vitest-assay/claims';

/** Tier 2: what holds for every training, whatever runs it. */
export default claims({
  loss_finite: { benchmark: 'loss_finite', check: ({ run }) => run.verdict('loss_finite') },
  every_step_logged: {
    when: ({ params }) => stepsAsked(params) !== null,
    async check({ run, cell, expect }) {
      const asked = stepsAsked(cell.params) ?? 0;
      const series = await run.trajectory();
      const losses = series.filter(({ metric }) => metric === 'loss');
      run.evaluable(losses.length === 0 ? null : losses, 'any loss');
      // An iteration whose gradient overflowed is skipped, and has no loss.
      const skips = series.filter(({ metric }) => metric === 'skipped_iterations');
      const skipped = skips.flatMap(({ steps, values }) => [...steps].filter((_, index) => (values[index] ?? 0) > 0));
      const logged = new Set([...losses.flatMap(({ steps }) => [...steps]), ...skipped]);
      // Some count their steps from 0.
      const offset = logged.has(0) ? -1 : 0;
      const due = Array.from({ length: asked }, (_, index) => index + 1)
        .filter((step) => step % logInterval(cell.params) === 0)
        .map((step) => step + offset);
      expect(due.filter((step) => !logged.has(step))).toEqual([]);
      expect([...logged].filter((step) => step > asked + offset)).toEqual([]);
    },
  },
});

type Params = ClaimContext['cell']['params'];

/** Steps of the whole training; null where the config leaves them to the framework. */
function stepsAsked({ train_iters: iterations, steps = iterations }: Params): number | null {
  return typeof steps === 'number' ? steps : null;
}

/** Steps between two lines of the log. */
function logInterval({ log_interval: interval = 1, log_freq: every = interval }: Params): number {
  return Number(every);
}
