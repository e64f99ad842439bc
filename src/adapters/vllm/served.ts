import type { MetricSample } from '../shared/metrics-scrape.ts';
import type { Served } from './progress.ts';

/** Follows what a server counts, from the first time that it is looked at. */
export function servedSince(): {
  readonly take: (samples: readonly MetricSample[]) => void;
  readonly now: () => Served;
} {
  let first: Served | null = null;
  let latest: Served = { answered: 0, tokens: 0 };
  return {
    take: (samples) => {
      if (samples.length === 0) return;
      const counted = {
        answered: sumOf(samples, 'vllm:request_success_total'),
        tokens: sumOf(samples, 'vllm:generation_tokens_total'),
      };
      first ??= counted;
      latest = { answered: counted.answered - first.answered, tokens: counted.tokens - first.tokens };
    },
    now: () => latest,
  };
}

function sumOf(samples: readonly MetricSample[], name: string): number {
  return samples.reduce((sum, sample) => (sample.name === name ? sum + sample.value : sum), 0);
}
