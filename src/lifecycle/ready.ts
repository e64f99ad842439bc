import { setTimeout as delay } from 'node:timers/promises';
import { formatDuration } from '../core/units.ts';
import { WorkloadFailure } from '../evidence/failure.ts';
import type { LaunchedRole, RunContext } from './adapter.ts';

const PROBE_INTERVAL_MS = 25;
const EVIDENCE_LINES = 8;

/**
 * Waits until a launched role answers its probe.
 *
 * @throws WorkloadFailure setup_failure with the role's last lines when its process
 *   ends first, or when the launch timeout passes.
 */
export async function waitUntilReady(
  context: RunContext,
  launched: LaunchedRole,
  probe: () => Promise<boolean>,
): Promise<void> {
  const { role, host, process } = launched;
  const timeoutMs = context.request.cell.workload.timeouts.launch;
  const startedAt = performance.now();
  for (;;) {
    context.signal.throwIfAborted();
    if (await probe()) break;
    const elapsedMs = performance.now() - startedAt;
    if (process.exit() !== null) throw await endedEarly(launched);
    if (elapsedMs > timeoutMs) {
      throw setupFailure(launched, `not ready after ${formatDuration(timeoutMs)}`);
    }
    await delay(PROBE_INTERVAL_MS);
  }
  context.writer.events.record('launch.role_ready', { role, host, after_s: (performance.now() - startedAt) / 1000 });
}

async function endedEarly(launched: LaunchedRole): Promise<WorkloadFailure> {
  const { code, signal } = await launched.process.exited;
  return setupFailure(launched, `ended with ${signal ?? `code ${code}`} before it was ready`);
}

function setupFailure({ role, host, process }: LaunchedRole, what: string): WorkloadFailure {
  return new WorkloadFailure('setup_failure', `${role} on ${host} ${what}`, process.tail(EVIDENCE_LINES));
}
