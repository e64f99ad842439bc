import type { TrajectoryRow } from '../../evidence/tables/trajectory.ts';
import type { ReadyRole, RunContext } from '../../lifecycle/adapter.ts';
import { findOutage } from '../../verdicts/predicates/health.ts';
import { findImbalance } from '../../verdicts/predicates/router-balance.ts';
import type { RoutedCount } from '../../verdicts/predicates/router-balance.ts';
import type { MetricSample } from '../shared/metrics-scrape.ts';
import type { Observation, Observer } from '../shared/program.ts';
import { answersWell, observeServing } from '../shared/serving-observe.ts';
import type { Gauge } from '../shared/serving-observe.ts';
import { isSglangStartupLine } from '../shared/sglang-startup.ts';
import { keepStartup } from '../shared/startup-keep.ts';
import { keepObserved, keepRegistered } from './attachments.ts';
import { ROUTER_ROLE } from './launch.ts';
import { awaitWorkers, countServers, listWorkers } from './router-workers.ts';
import { startupFile } from './startup-file.ts';

const INTERVAL_MS = 1000;
const EVIDENCE_LINES = 8;

/** What the decode servers made since the load began. */
export interface Served {
  /** Requests that they ended. */
  readonly requests: number;
  readonly tokens: number;
}

/** Since 0.5.4 some builds write an underscore where others have the colon. */
const PREFIXES = ['sglang:', 'sglang_'];

/** By SGLang's names without their prefix. */
const GAUGES: Readonly<Record<string, Gauge>> = {
  num_running_reqs: { metric: 'requests_running', together: 'sum' },
  num_queue_reqs: { metric: 'queue_depth', together: 'sum' },
  // A share of the KV cache, 0 to 1.
  token_usage: { metric: 'memory_pressure', together: 'max' },
};

const PREFIXED = Object.fromEntries(
  Object.entries(GAUGES).flatMap(([name, gauge]) => PREFIXES.map((prefix) => [`${prefix}${name}`, gauge] as const)),
);

/**
 * The load as the servers see it, from the moment that they are observed. Its points are kept until the end, for parse to
 * write: beside rows that came while the workload ran, those of the logs could not be read again.
 */
export class SglangLoad {
  readonly #counters = new Map<string, RoutedCounter>();
  readonly #points: TrajectoryRow[] = [];

  readonly observe: Observer = async (context, servers) => {
    const serving = servers.filter(({ url }) => url !== null);
    const ofRole = (role: string): readonly ReadyRole[] => serving.filter((one) => one.role === role);
    const [router] = ofRole(ROUTER_ROLE);
    if (router === undefined) throw new Error('there is no router');
    const models = servers.filter(({ role }) => role !== ROUTER_ROLE);
    const registered = await awaitWorkers(context, router, models);
    keepRegistered(context.writer, { expected: countServers(models), registered });
    await keepStartup(context, servers, { fileOf: startupFile, isStartupLine: isSglangStartupLine });
    const observeServers = observeServing({
      gauges: PREFIXED,
      healthPath: '/health',
      onScrape: (server, samples) => this.#count(context, server, samples),
      point: (point) => void this.#points.push(point),
    });
    const parts = [
      await observeServers(context, [...ofRole('prefill'), ...ofRole('decode')]),
      new RouterWatch(context, { router, point: (point) => void this.#points.push(point) }),
    ];
    const isBalanceAsked = context.request.cell.workload.benchmarks.includes('router_balance');
    return {
      broken: () =>
        parts.map((one) => one.broken()).find((status) => status !== null) ??
        (isBalanceAsked ? this.#imbalance(router) : null),
      end: async () => {
        await Promise.all(parts.map((one) => one.end()));
        if (!context.signal.aborted) keepObserved(context.writer, this.#points);
      },
    };
  };

  /** Sums over the decode servers. */
  served(): Served {
    const decode = [...this.#counters.values()].filter(({ role }) => role === 'decode');
    return {
      requests: decode.reduce((sum, { requests }) => sum + requests, 0),
      tokens: decode.reduce((sum, { tokens }) => sum + tokens, 0),
    };
  }

  #count(context: RunContext, { role, host }: ReadyRole, samples: readonly MetricSample[]): void {
    const found = readCounts(samples);
    if (found === null || context.signal.aborted) return;
    const key = `${role} ${host}`;
    const counter = this.#counters.get(key) ?? new RoutedCounter(role, host, found);
    this.#counters.set(key, counter);
    counter.take(found);
    const place = { step: counter.step, tsMs: Date.now(), role, host, rank: null };
    this.#points.push({ ...place, metric: 'routed_requests', value: found.requests });
    const usages = valuesOf(samples, 'token_usage');
    if (role === 'decode' && usages.length > 0)
      this.#points.push({ ...place, metric: 'decode_kv_cache_util', value: Math.max(...usages) });
  }

  #imbalance(router: ReadyRole): ReturnType<Observation['broken']> {
    const counts: readonly RoutedCount[] = [...this.#counters.values()].map(({ role, host, requests }) => ({
      role,
      server: `${role} ${host}`,
      requests,
    }));
    const detail = findImbalance(counts);
    if (detail === null) return null;
    return { state: 'broken', predicate: 'router_balance', detail, evidence: router.process.tail(EVIDENCE_LINES) };
  }
}

class RoutedCounter {
  readonly role: string;
  readonly host: string;
  readonly #first: Served;
  #latest: Served;
  /** Counts the looks, from 0. */
  step = -1;

  constructor(role: string, host: string, first: Served) {
    this.role = role;
    this.host = host;
    this.#first = first;
    this.#latest = first;
  }

  take(latest: Served): void {
    this.step += 1;
    this.#latest = latest;
  }

  get requests(): number {
    return this.#latest.requests - this.#first.requests;
  }

  get tokens(): number {
    return this.#latest.tokens - this.#first.tokens;
  }
}

/**
 * What a server has counted; null where it publishes nothing of SGLang's. A counter with labels is published from its
 * first increase on, so one that is not there is 0.
 */
function readCounts(samples: readonly MetricSample[]): Served | null {
  if (!samples.some(({ name }) => PREFIXES.some((prefix) => name.startsWith(prefix)))) return null;
  const sum = (counter: string): number => valuesOf(samples, counter).reduce((total, value) => total + value, 0);
  return { requests: sum('num_requests_total'), tokens: sum('generation_tokens_total') };
}

function valuesOf(samples: readonly MetricSample[], metric: string): readonly number[] {
  const names = PREFIXES.map((prefix) => `${prefix}${metric}`);
  return samples.filter(({ name }) => names.includes(name)).map(({ value }) => value);
}

interface WatchedRouter {
  readonly router: ReadyRole;
  readonly point: (point: TrajectoryRow) => void;
}

/** Looks at a router once a second: whether it is well, and how many requests it has in hand. */
class RouterWatch implements Observation {
  readonly #context: RunContext;
  readonly #router: ReadyRole;
  readonly #point: (point: TrajectoryRow) => void;
  readonly #probes: boolean[] = [];
  readonly #timer: NodeJS.Timeout;
  #looking: Promise<void> | null = null;
  #step = 0;

  constructor(context: RunContext, { router, point }: WatchedRouter) {
    this.#context = context;
    this.#router = router;
    this.#point = point;
    this.#timer = setInterval(() => this.#look(), INTERVAL_MS);
    this.#look();
  }

  broken(): ReturnType<Observation['broken']> {
    const outage = findOutage(this.#probes);
    if (outage === null) return null;
    const { role, host, process } = this.#router;
    const detail = `${role} on ${host}: ${outage} (/health)`;
    return { state: 'broken', predicate: 'health', detail, evidence: process.tail(EVIDENCE_LINES) };
  }

  async end(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  #look(): void {
    this.#looking ??= this.#lookOnce().finally(() => {
      this.#looking = null;
    });
  }

  async #lookOnce(): Promise<void> {
    const step = this.#step++;
    const url = this.#router.url ?? '';
    const [isHealthy, workers] = await Promise.all([answersWell(`${url}/health`), listWorkers(url)]);
    if (this.#context.signal.aborted) return;
    this.#probes.push(isHealthy);
    const { role, host } = this.#router;
    const place = { step, tsMs: Date.now(), role, host, rank: null };
    this.#point({ ...place, metric: 'healthy', value: Number(isHealthy) });
    if (workers === null || workers === 'unknown') return;
    // Every request is at one decode server, so that its loads come to the requests in hand.
    const loads = workers.flatMap((one) => (one.role === 'decode' && one.load !== null ? [one.load] : []));
    if (loads.length === 0) return;
    this.#point({ ...place, metric: 'router_queue', value: loads.reduce((a, b) => a + b, 0) });
  }
}
