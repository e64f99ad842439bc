import { claims } from 'vitest-assay/claims';

/** Tier 5: the latencies that the config bounds. */
export default claims({
  ttft_p50: { benchmark: 'ttft_p50', check: ({ run }) => run.verdict('ttft_p50') },
  ttft_p90: { benchmark: 'ttft_p90', check: ({ run }) => run.verdict('ttft_p90') },
  ttft_p95: { benchmark: 'ttft_p95', check: ({ run }) => run.verdict('ttft_p95') },
  ttft_p99: { benchmark: 'ttft_p99', check: ({ run }) => run.verdict('ttft_p99') },
  tpot_p50: { benchmark: 'tpot_p50', check: ({ run }) => run.verdict('tpot_p50') },
  tpot_p90: { benchmark: 'tpot_p90', check: ({ run }) => run.verdict('tpot_p90') },
  tpot_p95: { benchmark: 'tpot_p95', check: ({ run }) => run.verdict('tpot_p95') },
  tpot_p99: { benchmark: 'tpot_p99', check: ({ run }) => run.verdict('tpot_p99') },
  itl_p50: { benchmark: 'itl_p50', check: ({ run }) => run.verdict('itl_p50') },
  itl_p90: { benchmark: 'itl_p90', check: ({ run }) => run.verdict('itl_p90') },
  itl_p95: { benchmark: 'itl_p95', check: ({ run }) => run.verdict('itl_p95') },
  itl_p99: { benchmark: 'itl_p99', check: ({ run }) => run.verdict('itl_p99') },
  e2el_p50: { benchmark: 'e2el_p50', check: ({ run }) => run.verdict('e2el_p50') },
  e2el_p90: { benchmark: 'e2el_p90', check: ({ run }) => run.verdict('e2el_p90') },
  e2el_p95: { benchmark: 'e2el_p95', check: ({ run }) => run.verdict('e2el_p95') },
  e2el_p99: { benchmark: 'e2el_p99', check: ({ run }) => run.verdict('e2el_p99') },
  handoff_latency: { benchmark: 'handoff_latency', check: ({ run }) => run.verdict('handoff_latency') },
  step_time_p99: { benchmark: 'step_time_p99', check: ({ run }) => run.verdict('step_time_p99') },
});
