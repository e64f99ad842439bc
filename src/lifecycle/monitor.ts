import { setTimeout as delay } from 'node:timers/promises';
import { WorkloadFailure } from '../evidence/failure.ts';
import { formatDuration } from '../core/units.ts';
import type { Progress, ProgressStatus, RunContext } from './adapter.ts';
import { lastLines } from './last-lines.ts';

const POLL_INTERVAL_MS = 200;

/**
 * Watches a workload until its predicate says done, or until `work` settles
 * when the adapter drives the workload itself (its predicate then never says done).
 *
 * @throws WorkloadFailure safety_violation when the predicate breaks, liveness_failure
 *   when nothing moves for `inactivity`. The limit of the whole run is the job driver's.
 */
export async function monitor(
  context: RunContext,
  predicate: () => ProgressStatus,
  work?: Promise<void>,
): Promise<void> {
  let isOver = false;
  const watch = watchProgress(context, predicate, () => isOver);
  try {
    await (work === undefined ? watch : Promise.race([work, watch]));
  } catch (thrown) {
    // Work that breaks because its server died complains of a socket; the predicate knows why.
    if (!(thrown instanceof WorkloadFailure)) refuseBroken(context, predicate());
    throw thrown;
  } finally {
    isOver = true;
  }
  // The work may end sooner than the watch looks again.
  refuseBroken(context, predicate());
}

function refuseBroken(context: RunContext, status: ProgressStatus): void {
  if (status.state === 'broken') throw violation(context, status);
}

async function watchProgress(
  context: RunContext,
  predicate: () => ProgressStatus,
  isOver: () => boolean,
): Promise<void> {
  const { inactivity } = context.request.cell.workload.timeouts;
  let lastMark = Number.NaN;
  let lastChange = performance.now();
  while (!isOver()) {
    context.signal.throwIfAborted();
    const status = predicate();
    const now = performance.now();
    if (status.state === 'broken') throw violation(context, status);
    if (status.state === 'done') return;
    if (status.mark !== lastMark) [lastMark, lastChange] = [status.mark, now];
    context.report({ ...status.progress, quietMs: now - lastChange });
    if (now - lastChange > inactivity) throw stalled(context, status);
    await delay(POLL_INTERVAL_MS);
  }
}

function violation(context: RunContext, status: ProgressStatus & { readonly state: 'broken' }): WorkloadFailure {
  const { predicate, detail, evidence } = status;
  context.writer.events.record('safety.violated', { predicate, detail });
  return new WorkloadFailure('safety_violation', `${predicate}: ${detail}`, evidence);
}

function stalled(context: RunContext, { progress }: ProgressStatus & { readonly state: 'running' }): WorkloadFailure {
  const { inactivity } = context.request.cell.workload.timeouts;
  const what = `no progress for ${formatDuration(inactivity)} (stood at ${describeProgress(progress)})`;
  const next = 'where nothing hangs, raise `timeouts.inactivity`';
  return new WorkloadFailure('liveness_failure', `${what} - ${next}`, lastLines(context.launched));
}

/** How far the work is: `12 of 40 req`. */
export function describeProgress({ done, total, unit }: Pick<Progress, 'done' | 'total' | 'unit'>): string {
  return `${done} of ${total} ${unit}`;
}
