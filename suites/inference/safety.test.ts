import { claims } from 'vitest-assay/claims';

/** Tier 2: the servers stood the load, where the config asks for it. */
export default claims({
  error_rate: { benchmark: 'error_rate', check: ({ run }) => run.verdict('error_rate') },
  health: { benchmark: 'health', check: ({ run }) => run.verdict('health') },
});
