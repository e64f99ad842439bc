import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import type { TrajectoryRow } from '../../../../src/evidence/tables/trajectory.ts';
import type { Exit } from '../../../../src/exec/exit.ts';
import type { ReadyRole, RunContext } from '../../../../src/lifecycle/adapter.ts';

/** A server of this test: what it answers to a path, null for 404; its base URL. */
export async function httpServer(answer: (path: string) => string | null): Promise<string> {
  const server = createServer(({ url }, response) => {
    const text = answer(url ?? '');
    response.writeHead(text === null ? 404 : 200).end(text ?? '');
  }).listen(0, '127.0.0.1');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

interface Said {
  readonly lines?: readonly string[];
  readonly exit?: Exit | null;
}

/** A role on a host, `prefill n1`, that runs or has ended, and what it has printed. */
export function roleOf(place: string, url: string | null, { lines = [], exit = null }: Said = {}): ReadyRole {
  const [role, host] = place.split(' ');
  const process = { tail: (count: number) => lines.slice(-count), exit: () => exit, exited: Promise.resolve(exit) };
  return { role, host, url, process, reusedFrom: null } as unknown as ReadyRole;
}

interface Asked {
  readonly launchMs?: number;
  readonly benchmarks?: readonly string[];
}

/** A run, and what is kept and recorded in it. */
export function contextOf({ launchMs = 60_000, benchmarks = [] }: Asked = {}) {
  const kept = new Map<string, string>();
  const points: TrajectoryRow[] = [];
  const abort = new AbortController();
  const context = {
    signal: abort.signal,
    request: { folder: '/nowhere', cell: { workload: { benchmarks, timeouts: { launch: launchMs } } } },
    writer: {
      attach: (name: string, text: string) => void kept.set(name, text),
      point: (point: TrajectoryRow) => void points.push(point),
    },
  } as unknown as RunContext;
  return { context, kept, points, abort };
}
