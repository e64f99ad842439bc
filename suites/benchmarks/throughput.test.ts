import { claims } from 'vitest-assay/claims';

/** Tier 5: the rates that the config bounds. */
export default claims({
  throughput: { benchmark: 'throughput', check: ({ run }) => run.verdict('throughput') },
  goodput: { benchmark: 'goodput', check: ({ run }) => run.verdict('goodput') },
});
