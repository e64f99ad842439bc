import { scrapeMetrics } from './metrics-scrape.ts';
import type { MetricSample } from './metrics-scrape.ts';

const SCRAPE_INTERVAL_MS = 1000;
const SCRAPE_TIMEOUT_MS = 2000;

/** The gauges that become time series, by vLLM's names. */
const SERIES: Readonly<Record<string, string>> = {
  'vllm:num_requests_running': 'requests_running',
  'vllm:num_requests_waiting': 'queue_depth',
  'vllm:kv_cache_usage_perc': 'kv_cache_usage',
};

/** One reading of one gauge; `step` counts the scrapes. */
interface GaugeReading {
  readonly step: number;
  readonly metric: string;
  readonly value: number;
}

/** Reads a server's gauges once a second until stopped; a scrape that fails leaves a gap, not a zero. */
export function watchQueue(baseUrl: string, onReading: (reading: GaugeReading) => void): { readonly stop: () => void } {
  let step = 0;
  const scrape = async (): Promise<void> => {
    const thisStep = step++;
    const samples: readonly MetricSample[] = await scrapeMetrics(`${baseUrl}/metrics`, {
      timeoutMs: SCRAPE_TIMEOUT_MS,
    }).catch(() => []);
    for (const [name, metric] of Object.entries(SERIES)) {
      const values = samples.filter((sample) => sample.name === name).map((sample) => sample.value);
      if (values.length > 0) onReading({ step: thisStep, metric, value: values.reduce((a, b) => a + b, 0) });
    }
  };
  const timer = setInterval(() => void scrape(), SCRAPE_INTERVAL_MS);
  return { stop: () => clearInterval(timer) };
}
