import { claims } from 'vitest-assay/claims';

/** Tier 5: the latencies that the config bounds. */
export default claims({
  ttft_p99: { benchmark: 'ttft_p99', check: ({ run }) => run.verdict('ttft_p99') },
  tpot_p99: { benchmark: 'tpot_p99', check: ({ run }) => run.verdict('tpot_p99') },
  itl_p99: { benchmark: 'itl_p99', check: ({ run }) => run.verdict('itl_p99') },
  handoff_latency: { benchmark: 'handoff_latency', check: ({ run }) => run.verdict('handoff_latency') },
  step_time_p99: { benchmark: 'step_time_p99', check: ({ run }) => run.verdict('step_time_p99') },
});
