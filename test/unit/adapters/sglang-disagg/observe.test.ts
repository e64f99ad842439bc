import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { SglangLoad } from '../../../../src/adapters/sglang-disagg/observe.ts';
import type { TrajectoryRow } from '../../../../src/evidence/tables/trajectory.ts';
import { contextOf, httpServer, roleOf } from './pd-servers.ts';

/** What a server has counted, and its gauges, of two engines. */
interface Counted {
  readonly requests?: number;
  readonly tokens?: number;
  readonly waiting?: readonly [number, number];
  readonly usage?: readonly [number, number];
}

function metricsText(prefix: string, { requests, tokens = 0, waiting = [1, 2], usage = [0.25, 0.5] }: Counted): string {
  const label = 'model_name="m {a}",engine_type="unified"';
  const counters =
    requests === undefined
      ? ''
      : `# TYPE ${prefix}num_requests_total counter\n${prefix}num_requests_total{${label}} ${requests}.0\n` +
        `${prefix}generation_tokens_total{${label}} ${tokens}.0\n`;
  const gauge = (name: string, values: readonly number[]): string =>
    values.map((value, rank) => `${prefix}${name}{${label},tp_rank="${rank}"} ${value}\n`).join('');
  return `${counters}${gauge('num_running_reqs', [3, 4])}${gauge('num_queue_reqs', waiting)}${gauge('token_usage', usage)}`;
}

interface Said {
  /** What `/metrics` of each server says; null for 404. */
  prefill: string | null;
  decode: string | null;
  /** Of a second decode server; undefined where there is none. */
  other?: string;
  isRouterWell: boolean;
  loads: readonly number[];
}

/** One server of each kind behind a router, under load from now on. */
async function observed(given: Partial<Said> = {}, benchmarks: readonly string[] = []) {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  const say: Said = { prefill: null, decode: null, isRouterWell: true, loads: [2], ...given };
  const server = (name: 'prefill' | 'decode' | 'other') =>
    httpServer((path) => (path === '/metrics' ? (say[name] ?? null) : path === '/health' ? '' : null));
  const [prefill, decode] = [await server('prefill'), await server('decode')];
  const others = say.other === undefined ? [] : [await server('other')];
  const workers = () => [
    { worker_type: 'prefill', url: prefill, load: 9 },
    ...others.map((url) => ({ worker_type: 'decode', url })),
    ...say.loads.map((load, rank) => ({ worker_type: 'decode', url: `${decode}@${rank}`, load })),
  ];
  const router = await httpServer((path) => {
    if (path === '/workers') return JSON.stringify({ workers: workers() });
    return path === '/health' && say.isRouterWell ? 'OK' : null;
  });
  const run = contextOf({ benchmarks });
  const load = new SglangLoad();
  const observation = await load.observe(run.context, [
    roleOf('prefill n1', prefill),
    roleOf('decode n2', decode),
    roleOf('decode n3', null),
    ...others.map((url) => roleOf('decode n4', url)),
    roleOf('router n1', router, { lines: ['last line'] }),
  ]);
  const seen = (): readonly TrajectoryRow[] =>
    (run.kept.get('sglang-observed.jsonl') ?? '')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as TrajectoryRow);
  /** Looks again and again, without a pause, until something is seen. */
  const lookUntil = async (isSeen: () => boolean): Promise<void> => {
    for (let look = 0; look < 200 && !isSeen(); look += 1) {
      vi.advanceTimersByTime(1000);
      await (await fetch(`${router}/health`)).text();
    }
    expect(isSeen()).toBe(true);
  };
  return { ...run, say, load, observation, seen, lookUntil };
}

const valuesOf = (points: readonly TrajectoryRow[], metric: string, role?: string): readonly (number | null)[] =>
  points.filter((one) => one.metric === metric && (role ?? one.role) === one.role).map(({ value }) => value);

describe('prefill and decode servers under load', () => {
  it('leave what they published before and after, to the letter, and which of them the router knew', async () => {
    const before = { prefill: metricsText('sglang:', { requests: 1 }), decode: metricsText('sglang_', {}) };
    const { say, observation, kept } = await observed(before);
    const after = { prefill: metricsText('sglang:', { requests: 9 }), decode: metricsText('sglang_', { requests: 8 }) };
    Object.assign(say, after);
    await observation.end();
    expect(kept.get('metrics.before.n1.txt')).toBe(before.prefill);
    expect(kept.get('metrics.before.n2.txt')).toBe(before.decode);
    expect(kept.get('metrics.after.n1.txt')).toBe(after.prefill);
    expect(kept.get('metrics.after.n2.txt')).toBe(after.decode);
    expect(JSON.parse(kept.get('sglang-router.json') ?? '')).toEqual({
      schema_version: '1',
      expected: { prefill: 1, decode: 1 },
      registered: { prefill: 1, decode: 1 },
    });
  });

  it.each(['sglang:', 'sglang_'])('leave points of their gauges, all engines together: %s', async (prefix) => {
    const text = metricsText(prefix, { waiting: [5, 7], usage: [0.75, 0.5] });
    const { observation, points, seen } = await observed({ prefill: text, decode: text, loads: [3, 4] });
    await observation.end();
    // Parse writes them: they must be there when it reads an old run again.
    expect(points).toEqual([]);
    const first = seen().filter(({ step }) => step === 0);
    const of = (role: string) =>
      Object.fromEntries(first.filter((one) => one.role === role).map(({ metric, value }) => [metric, value]));
    expect(of('decode')).toEqual({
      healthy: 1,
      queue_depth: 12,
      requests_running: 7,
      memory_pressure: 0.75,
      decode_kv_cache_util: 0.75,
      // A counter is there from its first increase on.
      routed_requests: 0,
    });
    expect(of('prefill')).not.toHaveProperty('decode_kv_cache_util');
    // The requests in hand are counted once: each is at one prefill and one decode server.
    expect(of('router')).toEqual({ healthy: 1, router_queue: 7 });
    expect(new Set(first.map(({ role, host, rank }) => `${role} ${host} ${rank}`))).toEqual(
      new Set(['prefill n1 null', 'decode n2 null', 'router n1 null']),
    );
  });

  it('count from the begin of the load on, and progress by what was decoded', async () => {
    const { say, load, observation, seen } = await observed({
      prefill: metricsText('sglang:', { requests: 100 }),
      decode: metricsText('sglang:', { requests: 40, tokens: 400 }),
    });
    expect(load.served()).toEqual({ requests: 0, tokens: 0 });
    say.prefill = metricsText('sglang:', { requests: 130 });
    say.decode = metricsText('sglang:', { requests: 52, tokens: 520 });
    await observation.end();
    expect(load.served()).toEqual({ requests: 12, tokens: 120 });
    const routed = valuesOf(seen(), 'routed_requests', 'decode');
    expect([routed[0], routed.at(-1)]).toEqual([40, 52]);
  });

  it('leave a gap where one stops answering, not a zero', async () => {
    const text = metricsText('sglang:', { requests: 40, tokens: 400 });
    const { say, load, observation, kept, seen, lookUntil } = await observed({ prefill: text, decode: text });
    say.decode = metricsText('sglang:', { requests: 45, tokens: 450 });
    await lookUntil(() => load.served().requests === 5);
    say.decode = null;
    await observation.end();
    expect([...kept.keys()].filter((name) => name.startsWith('metrics.')).toSorted()).toEqual([
      'metrics.after.n1.txt',
      'metrics.before.n1.txt',
      'metrics.before.n2.txt',
    ]);
    expect(load.served()).toEqual({ requests: 5, tokens: 50 });
    expect(new Set(valuesOf(seen(), 'routed_requests', 'decode'))).toEqual(new Set([40, 45]));
  });

  it('say nothing of what is none of SGLang', async () => {
    const { load, observation, seen } = await observed({ prefill: 'python_info 1\n', decode: null });
    await observation.end();
    expect(load.served()).toEqual({ requests: 0, tokens: 0 });
    expect(new Set(seen().map(({ metric }) => metric))).toEqual(new Set(['healthy', 'router_queue']));
  });

  it('leave nothing more in a run that was cut off', async () => {
    const { observation, kept, abort } = await observed({ prefill: metricsText('sglang:', {}) });
    abort.abort();
    await observation.end();
    expect([...kept.keys()].toSorted()).toEqual(['metrics.before.n1.txt', 'sglang-router.json']);
  });
});

describe('what breaks a run', () => {
  it('is a router that is not well three times in a row, though all servers are', async () => {
    const text = metricsText('sglang:', { requests: 1 });
    const { say, observation, seen, lookUntil } = await observed({ prefill: text, decode: text });
    expect(observation.broken()).toBeNull();
    say.isRouterWell = false;
    await lookUntil(() => observation.broken() !== null);
    expect(observation.broken()).toEqual({
      state: 'broken',
      predicate: 'health',
      detail: 'router on n1: 3 probes in a row failed (/health)',
      evidence: ['last line'],
    });
    await observation.end();
    expect(valuesOf(seen(), 'healthy', 'router').slice(-3)).toEqual([0, 0, 0]);
    expect(new Set(valuesOf(seen(), 'healthy', 'decode'))).toEqual(new Set([1]));
  });

  it.each([
    ['router_balance', 'decode n2'],
    ['throughput', null],
  ])('is a router that leaves a server idle, where %s is asked', async (benchmark, server) => {
    const counted = (requests: number) => metricsText('sglang:', { requests });
    const given = { prefill: counted(0), decode: counted(50), other: counted(70) };
    const { say, load, observation, lookUntil } = await observed(given, [benchmark]);
    Object.assign(say, { prefill: counted(60), decode: counted(110) });
    await lookUntil(() => load.served().requests === 60);
    const broken = observation.broken();
    expect(broken?.predicate ?? null).toBe(server === null ? null : 'router_balance');
    if (server !== null) expect(broken?.detail).toMatch(new RegExp(`^${server} .*60`));
    await observation.end();
  });
});
