import { setTimeout as delay } from 'node:timers/promises';
import { request } from 'undici';
import { z } from 'zod';
import { formatDuration } from '../../core/units.ts';
import { WorkloadFailure } from '../../evidence/failure.ts';
import { describeExit } from '../../exec/exit.ts';
import type { ReadyRole, RunContext } from '../../lifecycle/adapter.ts';
import { MODEL_ROLES } from './parallelism.ts';
import type { ModelRole } from './parallelism.ts';
import { findRefusal } from './router-log.ts';

const POLL_MS = 100;
const TIMEOUT_MS = 5000;
const EVIDENCE_LINES = 8;

/** How many servers of each role. */
export type ServerCounts = Readonly<Record<ModelRole, number>>;

/** A server that a router sends requests to. */
export interface RouterWorker {
  readonly role: string;
  readonly url: string;
  readonly isHealthy: boolean;
  /** Requests that the router has sent to it and that are not over; null where it does not say. */
  readonly load: number | null;
}

const workersSchema = z.object({
  workers: z.array(
    z.object({
      url: z.string(),
      worker_type: z.string(),
      is_healthy: z.boolean().default(true),
      load: z.number().nullable().default(null),
    }),
  ),
});

/** Asks a router for its servers; null where its version has no such list, or does not answer now. */
export async function listWorkers(baseUrl: string): Promise<readonly RouterWorker[] | 'unknown' | null> {
  try {
    const { statusCode, body } = await request(`${baseUrl}/workers`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    const text = await body.text();
    if (statusCode === 404 || statusCode === 405) return 'unknown';
    return statusCode === 200 ? readWorkers(JSON.parse(text)) : null;
  } catch {
    return null;
  }
}

function readWorkers(answer: unknown): readonly RouterWorker[] | 'unknown' {
  const parsed = workersSchema.safeParse(answer);
  if (!parsed.success) return 'unknown';
  return parsed.data.workers.map(({ url, worker_type: role, is_healthy: isHealthy, load }) => ({
    role,
    url,
    isHealthy,
    load,
  }));
}

/** How many servers a router may send requests to. */
export function countWorkers(workers: readonly RouterWorker[]): ServerCounts {
  const count = (role: ModelRole): number => {
    // The ranks of a data parallel server may be listed one by one: `http://host:port@3`.
    const urls = workers.filter((one) => one.role === role && one.isHealthy).map(({ url }) => url.split('@', 1)[0]);
    return new Set(urls).size;
  };
  return { prefill: count('prefill'), decode: count('decode') };
}

/** The servers of each role that are to serve; of one over several nodes, that is the first. */
export function countServers(servers: readonly ReadyRole[]): ServerCounts {
  const count = (role: ModelRole): number => servers.filter((one) => one.role === role && one.url !== null).length;
  return { prefill: count('prefill'), decode: count('decode') };
}

/**
 * Waits until a router knows every server: it calls itself healthy when there is any. Answers null where its version does
 * not say whom it knows.
 *
 * @throws WorkloadFailure setup_failure when it does not know all of them within the launch timeout; at once when it says
 *   that it gave one of them up, or one of these processes ends.
 */
export async function awaitWorkers(
  context: RunContext,
  router: ReadyRole,
  servers: readonly ReadyRole[],
): Promise<ServerCounts | null> {
  const timeoutMs = context.request.cell.workload.timeouts.launch;
  const expected = countServers(servers);
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    context.signal.throwIfAborted();
    const workers = await listWorkers(router.url ?? '');
    if (workers === 'unknown') return null;
    const known = workers === null ? null : countWorkers(workers);
    if (known !== null && MODEL_ROLES.every((role) => known[role] >= expected[role])) return known;
    await refuseHopeless(router, servers);
    if (performance.now() > deadline) throw incomplete(router, { known, expected, timeoutMs });
    await delay(POLL_MS, undefined, { signal: context.signal }).catch(() => undefined);
  }
}

async function refuseHopeless(router: ReadyRole, servers: readonly ReadyRole[]): Promise<void> {
  const ended = [...servers, router].find(({ process }) => process.exit() !== null);
  if (ended !== undefined) {
    const exit = describeExit(await ended.process.exited, 'before the router knew all servers');
    throw setupFailure(ended, exit);
  }
  const refusal = findRefusal(router.process.tail(Number.MAX_SAFE_INTEGER));
  if (refusal === null) return;
  const { url, reason } = refusal;
  throw setupFailure(router, `gave up on ${nameOf(servers, url)}: ${reason} - that server's log says why`);
}

function nameOf(servers: readonly ReadyRole[], url: string): string {
  const server = servers.find((one) => one.url === url);
  return server === undefined ? url : `${server.role} on ${server.host} (${url})`;
}

interface Incomplete {
  readonly known: ServerCounts | null;
  readonly expected: ServerCounts;
  readonly timeoutMs: number;
}

function incomplete(router: ReadyRole, { known, expected, timeoutMs }: Incomplete): WorkloadFailure {
  const counts = MODEL_ROLES.map((one) => `${known?.[one] ?? 0} of ${expected[one]} ${one} servers`).join(' and ');
  const after = `after ${formatDuration(timeoutMs)}, whatever its /health says`;
  return setupFailure(router, `knows ${counts} ${after} - its log says why`);
}

function setupFailure({ role, host, process }: ReadyRole, what: string): WorkloadFailure {
  return new WorkloadFailure('setup_failure', `${role} on ${host} ${what}`, process.tail(EVIDENCE_LINES));
}
