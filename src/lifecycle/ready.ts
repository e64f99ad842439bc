import { setTimeout as delay } from 'node:timers/promises';
import { request } from 'undici';
import { formatDuration } from '../core/units.ts';
import { WorkloadFailure } from '../evidence/failure.ts';
import { describeExit } from '../exec/exit.ts';
import type { RunningProcess } from '../exec/executor.ts';
import type { LaunchedRole, ReadyRole, RunContext } from './adapter.ts';
import { lastLines } from './last-lines.ts';

const PROBE_INTERVAL_MS = 25;
const PROBE_TIMEOUT_MS = 2000;
const ASK_FOR_MORE = 'where it only loads for longer, raise `timeouts.launch`';

/** How a role says that it is ready. */
export type Readiness = {
  /** Lines that mean that it never will be; narrow, for servers print warnings that look alike. */
  readonly failures?: readonly RegExp[];
} & (
  | {
      /** `path` answers 200 at the base URL, which may be known only from what the process printed. */
      readonly kind: 'http';
      readonly url: (process: RunningProcess) => string | null;
      readonly path: string;
    }
  /** It prints a line. */
  | { readonly kind: 'log'; readonly pattern: RegExp }
  /** It runs: what it does from then on is its work, or is seen elsewhere. */
  | { readonly kind: 'started' }
);

/**
 * Where each process was found ready, null for one without an address. A server that is used again
 * has long said so: the line may be out of its tail by now, and a failure there is an old one.
 */
const readyAt = new WeakMap<RunningProcess, string | null>();

interface Waiting {
  readonly launched: LaunchedRole;
  readonly readiness: Readiness;
  /** Ends the wait. */
  readonly signal: AbortSignal;
}

/**
 * Waits until a launched role is ready.
 *
 * @throws WorkloadFailure setup_failure with the role's last lines when its process
 *   ends first, says that it failed, or when the launch timeout passes.
 */
export async function waitUntilReady(context: RunContext, waiting: Waiting): Promise<ReadyRole> {
  const { launched, signal } = waiting;
  const { role, host } = launched;
  const timeoutMs = context.request.cell.workload.timeouts.launch;
  const lines = watchLines(waiting);
  const startedAt = performance.now();
  try {
    for (;;) {
      signal.throwIfAborted();
      const url = await probe(waiting, lines.isReady());
      if (url !== undefined) {
        const after_s = (performance.now() - startedAt) / 1000;
        context.writer.events.record('launch.role_ready', { role, host, after_s });
        readyAt.set(launched.process, url);
        return { ...launched, url };
      }
      const elapsedMs = performance.now() - startedAt;
      await refuseHopeless(launched, lines.failure(), elapsedMs > timeoutMs ? timeoutMs : null);
      await delay(PROBE_INTERVAL_MS, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    lines.stop();
  }
}

async function refuseHopeless(launched: LaunchedRole, failure: string | null, timeoutMs: number | null): Promise<void> {
  const { process } = launched;
  if (process.exit() !== null) {
    throw setupFailure(launched, `${describeExit(await process.exited)} before it was ready`);
  }
  if (failure !== null) throw setupFailure(launched, `said that it failed: ${failure}`);
  if (timeoutMs !== null)
    throw setupFailure(launched, `not ready after ${formatDuration(timeoutMs)} - ${ASK_FOR_MORE}`);
}

interface LineWatch {
  readonly isReady: () => boolean;
  readonly failure: () => string | null;
  readonly stop: () => void;
}

// Every line counts, not the last ones: a talkative server would push the one that matters out of sight.
function watchLines({ launched, readiness }: Waiting): LineWatch {
  let isReady = false;
  let failure: string | null = null;
  const take = (line: string): void => {
    if (readiness.kind === 'log' && readiness.pattern.test(line)) isReady = true;
    if (readiness.failures?.some((marker) => marker.test(line)) === true) failure ??= line;
  };
  if (!readyAt.has(launched.process)) launched.process.tail(Number.MAX_SAFE_INTEGER).forEach(take);
  const stop = launched.process.onLine(take);
  return { isReady: () => isReady, failure: () => failure, stop };
}

/** The role's base URL once it is ready, null for one that has none; undefined while it is not ready. */
async function probe({ launched, readiness }: Waiting, hasPrinted: boolean): Promise<string | null | undefined> {
  const known = readyAt.get(launched.process);
  if (readiness.kind === 'started') return null;
  if (readiness.kind === 'log') return hasPrinted ? null : known;
  const url = known ?? readiness.url(launched.process);
  return url !== null && (await answers(`${url}${readiness.path}`)) ? url : undefined;
}

async function answers(url: string): Promise<boolean> {
  try {
    const { statusCode, body } = await request(url, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
    await body.dump();
    return statusCode === 200;
  } catch {
    return false;
  }
}

function setupFailure(launched: LaunchedRole, what: string): WorkloadFailure {
  const { role, host } = launched;
  return new WorkloadFailure('setup_failure', `${role} on ${host} ${what}`, lastLines([launched]));
}
