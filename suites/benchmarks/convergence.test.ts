import { claims } from 'vitest-assay/claims';

/** Tier 5: the training learns what the config expects of it. */
export default claims({
  convergence: { benchmark: 'convergence', check: ({ run }) => run.verdict('convergence') },
  monotonic_loss: { benchmark: 'monotonic_loss', check: ({ run }) => run.verdict('monotonic_loss') },
});
