import { claims } from 'vitest-assay/claims';

/** Tier 5: what is measured does not waver more than the config allows. */
export default claims({
  step_time_stability: { benchmark: 'step_time_stability', check: ({ run }) => run.verdict('step_time_stability') },
});
