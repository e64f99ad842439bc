import { setTimeout as delay } from 'node:timers/promises';
import { WorkloadFailure } from '../evidence/failure.ts';
import { formatDuration } from '../core/units.ts';
import type { Progress, ProgressStatus, ReadyRole, RunContext } from './adapter.ts';
import { lastLines } from './last-lines.ts';
import { learnOfEnds } from './learn-of-ends.ts';

const POLL_INTERVAL_MS = 200;

/** Work that the adapter drives itself. */
export interface Work {
  readonly done: Promise<unknown>;
  /** The servers that it is done on: the end of one is told before what it did to the work. Default: none. */
  readonly servers?: readonly ReadyRole[];
}

/**
 * Watches a workload until its predicate says done, or until `work` is
 * when the adapter drives the workload itself (its predicate then never says done).
 *
 * @throws WorkloadFailure safety_violation when the predicate breaks, liveness_failure
 *   when nothing moves for `inactivity`. The limit of the whole run is the job driver's.
 */
export async function monitor(context: RunContext, predicate: () => ProgressStatus, work?: Work): Promise<void> {
  let isOver = false;
  const learn = (): Promise<void> => learnOfEnds(work?.servers ?? [], context.signal);
  const watch = watchProgress(context, predicate, { isOver: () => isOver, learn });
  try {
    await (work === undefined ? watch : Promise.race([endOf(work, learn), watch]));
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

async function endOf({ done }: Work, learn: () => Promise<void>): Promise<void> {
  try {
    await done;
  } finally {
    await learn();
  }
}

function refuseBroken(context: RunContext, status: ProgressStatus): void {
  if (status.state === 'broken') throw violation(context, status);
}

interface Watch {
  readonly isOver: () => boolean;
  /** Waits for what explains a broken predicate. */
  readonly learn: () => Promise<void>;
}

async function watchProgress(
  context: RunContext,
  predicate: () => ProgressStatus,
  { isOver, learn }: Watch,
): Promise<void> {
  const { inactivity } = context.request.cell.workload.timeouts;
  let lastMark = Number.NaN;
  let lastChange = performance.now();
  while (!isOver()) {
    context.signal.throwIfAborted();
    const status = predicate();
    const now = performance.now();
    if (status.state === 'broken') {
      await learn();
      context.signal.throwIfAborted();
      if (isOver()) return;
      const later = predicate();
      throw violation(context, later.state === 'broken' ? later : status);
    }
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
