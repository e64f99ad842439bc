import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { observeServing } from '../../../../src/adapters/shared/serving-observe.ts';
import type { TrajectoryRow } from '../../../../src/evidence/tables/trajectory.ts';
import type { ReadyRole, RunContext } from '../../../../src/lifecycle/adapter.ts';

const GAUGES = {
  waiting: { metric: 'queue_depth', together: 'sum' },
  usage: { metric: 'memory_pressure', together: 'max' },
} as const;
const TEXT = 'waiting{engine="0"} 3\nwaiting{engine="1"} 4\nusage{engine="0"} 0.25\nusage{engine="1"} 0.75\n';

/** A server whose metrics and health are what `say` answers, and a run that is watched. */
async function watched(say: { metrics: string | null; isWell: boolean }) {
  const server = createServer(({ url }, response) => {
    const isMetrics = url === '/metrics';
    response.writeHead((isMetrics ? say.metrics !== null : say.isWell) ? 200 : 503);
    response.end(isMetrics ? (say.metrics ?? '') : '');
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const [points, kept]: [TrajectoryRow[], Map<string, string>] = [[], new Map()];
  const abort = new AbortController();
  const writer = {
    point: (row: TrajectoryRow) => void points.push(row),
    attach: (name: string, text: string) => void kept.set(name, text),
  };
  const context = { writer, signal: abort.signal } as unknown as RunContext;
  const role = (host: string, at: string | null) =>
    ({ role: 'server', host, url: at, process: { tail: () => ['last line'] } }) as unknown as ReadyRole;
  const observe = observeServing({ gauges: GAUGES, healthPath: '/health', intervalMs: 20 });
  const observation = await observe(context, [role('n0', url), role('n1', null)]);
  const looks = async (count: number): Promise<void> => {
    const wanted = points.filter(({ metric }) => metric === 'healthy').length + count;
    await vi.waitUntil(() => points.filter(({ metric }) => metric === 'healthy').length >= wanted, { timeout: 15_000 });
  };
  return { observation, points, kept, abort, looks };
}

describe('servers under load', () => {
  it('leave points of their gauges, and their metrics before and after', async () => {
    const say = { metrics: TEXT, isWell: true };
    const { observation, points, kept, looks } = await watched(say);
    await looks(1);
    expect(
      points.slice(0, 3).map(({ step, metric, value, role, host }) => ({ step, metric, value, role, host })),
    ).toEqual(
      [
        { metric: 'healthy', value: 1 },
        { metric: 'queue_depth', value: 7 },
        { metric: 'memory_pressure', value: 0.75 },
      ].map((point) => ({ step: 0, ...point, role: 'server', host: 'n0' })),
    );
    say.metrics = `${TEXT}later 1\n`;
    await observation.end();
    expect([...kept.keys()].toSorted()).toEqual(['load-end.json', 'metrics.after.n0.txt', 'metrics.before.n0.txt']);
    expect(kept.get('metrics.before.n0.txt')).toBe(TEXT);
    expect(kept.get('metrics.after.n0.txt')).toBe(`${TEXT}later 1\n`);
  });

  it('leave a gap where they publish nothing, and are broken after three failed probes', async () => {
    const say = { metrics: null, isWell: true };
    const { observation, points, kept, looks } = await watched(say);
    await looks(1);
    expect(observation.broken()).toBeNull();
    say.isWell = false;
    await looks(4);
    expect(observation.broken()).toEqual({
      state: 'broken',
      predicate: 'health',
      detail: 'server on n0: 3 probes in a row failed (/health)',
      evidence: ['last line'],
    });
    await observation.end();
    expect(new Set(points.map(({ metric }) => metric))).toEqual(new Set(['healthy']));
    expect([...kept.keys()]).toEqual(['load-end.json']);
  });

  it('leave nothing more in a run that was cut off', async () => {
    const { observation, points, kept, abort } = await watched({ metrics: TEXT, isWell: true });
    abort.abort();
    await observation.end();
    // The one look that there always is was before it.
    expect(points.filter(({ metric }) => metric === 'healthy')).toMatchObject([{ step: 0, value: 1 }]);
    expect([new Set(points.map(({ step }) => step)), [...kept.keys()]]).toEqual([
      new Set([0]),
      ['metrics.before.n0.txt'],
    ]);
  });
});
