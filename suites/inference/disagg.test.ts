import { claims } from 'vitest-assay/claims';

/** Tier 3: prefill and decode servers share the work. */
export default claims({
  router_balance: { benchmark: 'router_balance', check: ({ run }) => run.verdict('router_balance') },
});
