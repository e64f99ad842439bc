import { request } from 'undici';
import type { TrajectoryRow } from '../../evidence/tables/trajectory.ts';
import type { ReadyRole, RunContext } from '../../lifecycle/adapter.ts';
import { findOutage } from '../../verdicts/predicates/health.ts';
import { fetchMetrics, parseMetrics } from './metrics-scrape.ts';
import type { MetricSample } from './metrics-scrape.ts';
import type { Observation, Observer } from './program.ts';

const INTERVAL_MS = 1000;
const PROBE_TIMEOUT_MS = 5000;
const EVIDENCE_LINES = 8;

/** A gauge of a server that becomes a time series. */
export interface Gauge {
  /** The name of the series. */
  readonly metric: string;
  /** What several engines behind one server come to together. */
  readonly together: 'sum' | 'max';
}

/** What is looked at while servers are under load. */
export interface ServingSight {
  /** By the server's own names. */
  readonly gauges: Readonly<Record<string, Gauge>>;
  /** What answers 200 while a server is well. */
  readonly healthPath: string;
  /** Time between two looks; a second by default. */
  readonly intervalMs?: number;
  /** Hears of what each server published, at every look. */
  readonly onScrape?: (server: ReadyRole, samples: readonly MetricSample[]) => void;
  /** Takes the points. Default: the trajectory of the run, at once. */
  readonly point?: (point: TrajectoryRow) => void;
}

/** When the load was over, by our own clock: `attachments/<this>`. */
export const LOAD_END_FILE = 'load-end.json';

/** Where the counters of a server stood before or after the load, as the server wrote them: `attachments/<this>`. */
export function metricsFile(when: 'before' | 'after', host: string): string {
  return `metrics.${when}.${host}.txt`;
}

/**
 * Watches the servers that have an address: gauges and `healthy` (1 or 0) become points of the trajectory,
 * all metrics are kept as they stood before and after the load. A look that fails leaves a gap, not a zero.
 */
export function observeServing(sight: ServingSight): Observer {
  return async (context, servers) => {
    const watched = servers.filter(({ url }) => url !== null).map((server) => new Watched(context, server, sight));
    // A load may be over before the first second is: one look there always is.
    await Promise.all(watched.flatMap((one) => [one.keepMetrics('before'), one.look()]));
    const timer = setInterval(() => watched.forEach((one) => void one.look()), sight.intervalMs ?? INTERVAL_MS);
    return {
      broken: () => watched.map((one) => one.broken()).find((status) => status !== null) ?? null,
      end: async () => {
        clearInterval(timer);
        if (!context.signal.aborted) context.writer.attach(LOAD_END_FILE, `{"ended_at_ms": ${Date.now()}}\n`);
        await Promise.all(watched.map((one) => one.end()));
      },
    };
  };
}

class Watched {
  readonly #context: RunContext;
  readonly #server: ReadyRole;
  readonly #sight: ServingSight;
  readonly #probes: boolean[] = [];
  #looking: Promise<void> | null = null;
  #step = 0;

  constructor(context: RunContext, server: ReadyRole, sight: ServingSight) {
    this.#context = context;
    this.#server = server;
    this.#sight = sight;
  }

  /** Looks, unless the last look is not over yet. */
  look(): Promise<void> {
    this.#looking ??= this.#lookOnce().finally(() => {
      this.#looking = null;
    });
    return this.#looking;
  }

  broken(): ReturnType<Observation['broken']> {
    const outage = findOutage(this.#probes);
    if (outage === null) return null;
    const { role, host, process } = this.#server;
    const detail = `${role} on ${host}: ${outage} (${this.#sight.healthPath})`;
    return { state: 'broken', predicate: 'health', detail, evidence: process.tail(EVIDENCE_LINES) };
  }

  async end(): Promise<void> {
    await this.#looking;
    await this.keepMetrics('after');
  }

  async keepMetrics(when: 'before' | 'after'): Promise<void> {
    const text = await this.#fetch();
    // What was cut off has no result, and its run directory may be complete by now.
    if (text === null || this.#context.signal.aborted) return;
    this.#sight.onScrape?.(this.#server, parseMetrics(text));
    this.#context.writer.attach(metricsFile(when, this.#server.host), text);
  }

  async #lookOnce(): Promise<void> {
    const step = this.#step++;
    const { url } = this.#server;
    const [isHealthy, text] = await Promise.all([answersWell(`${url}${this.#sight.healthPath}`), this.#fetch()]);
    if (this.#context.signal.aborted) return;
    this.#probes.push(isHealthy);
    const samples = text === null ? [] : parseMetrics(text);
    this.#sight.onScrape?.(this.#server, samples);
    const readings = readGauges(samples, this.#sight.gauges);
    const { role, host } = this.#server;
    const tsMs = Date.now();
    for (const [metric, value] of [['healthy', Number(isHealthy)] as const, ...readings]) {
      const point = { step, tsMs, metric, value, role, host, rank: null };
      if (this.#sight.point === undefined) this.#context.writer.point(point);
      else this.#sight.point(point);
    }
  }

  /** Metrics are the server's second opinion: one that publishes none is no reason to fail. */
  async #fetch(): Promise<string | null> {
    return fetchMetrics(`${this.#server.url}/metrics`, { timeoutMs: PROBE_TIMEOUT_MS }).catch(() => null);
  }
}

/** Whether a server answers 200 within 5 seconds. */
export async function answersWell(url: string): Promise<boolean> {
  try {
    const { statusCode, body } = await request(url, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
    await body.dump();
    return statusCode === 200;
  } catch {
    return false;
  }
}

function readGauges(
  samples: readonly MetricSample[],
  gauges: ServingSight['gauges'],
): readonly (readonly [metric: string, value: number])[] {
  return Object.entries(gauges).flatMap(([name, { metric, together }]) => {
    const values = samples.filter((sample) => sample.name === name).map(({ value }) => value);
    if (values.length === 0) return [];
    return [[metric, together === 'max' ? Math.max(...values) : values.reduce((a, b) => a + b, 0)] as const];
  });
}
