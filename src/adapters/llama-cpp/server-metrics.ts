import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** How a request left the engine, in vLLM's words. */
export type FinishedReason = 'stop' | 'length' | 'abort' | 'error';

/** What the engine is busy with at this moment. */
export interface EngineLoad {
  readonly running: number;
  readonly waiting: number;
  /** Used share of all slots' token cells, 0 to 1. */
  readonly cacheUsage: number;
}

/** The metrics of one request; call each method when the thing it names happens. */
export interface RequestMetrics {
  /** The request got a slot. */
  admitted(promptTokens: number): void;
  /** One more token was generated. */
  token(): void;
  finished(reason: FinishedReason): void;
}

const secondBuckets = {
  timeToFirstToken: [
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640, 2560,
  ],
  betweenTokens: [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80],
  request: [0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680],
} as const;

/** Prometheus metrics with vLLM's names, labels and buckets, so that one reader understands both servers. */
export class ServerMetrics {
  readonly #registry = new Registry();
  readonly #labels: { readonly engine: string; readonly model_name: string };
  readonly #promptTokens: Counter;
  readonly #generationTokens: Counter;
  readonly #finished: Counter;
  readonly #timeToFirstToken: Histogram;
  readonly #interTokenLatency: Histogram;
  readonly #timePerOutputToken: Histogram;
  readonly #requestLatency: Histogram;
  readonly #queueTime: Histogram;

  constructor(modelName: string, load: () => EngineLoad) {
    this.#labels = { engine: '0', model_name: modelName };
    collectDefaultMetrics({ register: this.#registry });
    this.#gauge('num_requests_running', 'Number of requests in model execution batches.', () => load().running);
    this.#gauge('num_requests_waiting', 'Number of requests waiting to be processed.', () => load().waiting);
    this.#gauge('kv_cache_usage_perc', 'KV-cache usage. 1 means 100 percent usage.', () => load().cacheUsage);
    this.#promptTokens = this.#counter('prompt_tokens_total', 'Number of prefill tokens processed.');
    this.#generationTokens = this.#counter('generation_tokens_total', 'Number of generation tokens processed.');
    this.#finished = this.#counter('request_success_total', 'Count of successfully processed requests.', [
      'finished_reason',
    ]);
    for (const reason of ['stop', 'length', 'abort', 'error'] satisfies FinishedReason[]) {
      this.#finished.inc({ ...this.#labels, finished_reason: reason }, 0);
    }
    this.#timeToFirstToken = this.#histogram(
      'time_to_first_token_seconds',
      'Histogram of time to first token in seconds.',
      secondBuckets.timeToFirstToken,
    );
    this.#interTokenLatency = this.#histogram(
      'inter_token_latency_seconds',
      'Histogram of inter-token latency in seconds.',
      secondBuckets.betweenTokens,
    );
    this.#timePerOutputToken = this.#histogram(
      'request_time_per_output_token_seconds',
      'Histogram of time_per_output_token_seconds per request.',
      secondBuckets.betweenTokens,
    );
    this.#requestLatency = this.#histogram(
      'e2e_request_latency_seconds',
      'Histogram of e2e request latency in seconds.',
      secondBuckets.request,
    );
    this.#queueTime = this.#histogram(
      'request_queue_time_seconds',
      'Histogram of time spent in WAITING phase for request.',
      secondBuckets.request,
    );
  }

  /** The media type of `text()`. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** All metrics in the Prometheus text format. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** Starts the clock of a request that has just arrived. */
  arrived(): RequestMetrics {
    const labels = this.#labels;
    const arrivedMs = performance.now();
    let firstMs: number | undefined;
    let lastMs = arrivedMs;
    let tokens = 0;
    return {
      admitted: (promptTokens) => {
        this.#queueTime.observe(labels, seconds(arrivedMs, performance.now()));
        this.#promptTokens.inc(labels, promptTokens);
      },
      token: () => {
        const nowMs = performance.now();
        if (firstMs === undefined) {
          firstMs = nowMs;
          this.#timeToFirstToken.observe(labels, seconds(arrivedMs, nowMs));
        } else {
          this.#interTokenLatency.observe(labels, seconds(lastMs, nowMs));
        }
        this.#generationTokens.inc(labels);
        lastMs = nowMs;
        tokens += 1;
      },
      finished: (reason) => {
        this.#finished.inc({ ...labels, finished_reason: reason });
        if (reason === 'abort' || reason === 'error') {
          return;
        }
        this.#requestLatency.observe(labels, seconds(arrivedMs, performance.now()));
        if (firstMs !== undefined && tokens > 1) {
          this.#timePerOutputToken.observe(labels, seconds(firstMs, lastMs) / (tokens - 1));
        }
      },
    };
  }

  #gauge(name: string, help: string, read: () => number): void {
    const labels = this.#labels;
    const gauge: Gauge = new Gauge({
      ...this.#metric(name, help),
      collect: () => gauge.set(labels, read()),
    });
  }

  #counter(name: string, help: string, extraLabels: readonly string[] = []): Counter {
    const counter = new Counter(this.#metric(name, help, extraLabels));
    if (extraLabels.length === 0) {
      counter.inc(this.#labels, 0);
    }
    return counter;
  }

  #histogram(name: string, help: string, buckets: readonly number[]): Histogram {
    const histogram = new Histogram({ ...this.#metric(name, help), buckets: [...buckets] });
    histogram.zero(this.#labels);
    return histogram;
  }

  #metric(
    name: string,
    help: string,
    extraLabels: readonly string[] = [],
  ): { name: string; help: string; labelNames: string[]; registers: Registry[] } {
    const labelNames = [...Object.keys(this.#labels), ...extraLabels];
    return { name: `vllm:${name}`, help, labelNames, registers: [this.#registry] };
  }
}

function seconds(fromMs: number, toMs: number): number {
  return (toMs - fromMs) / 1000;
}
