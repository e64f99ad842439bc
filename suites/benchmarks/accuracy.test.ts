import { claims } from 'vitest-assay/claims';

/** Tier 5: the served model still is the model that was trained. */
export default claims({
  perplexity: { benchmark: 'perplexity', check: ({ run }) => run.verdict('perplexity') },
});
