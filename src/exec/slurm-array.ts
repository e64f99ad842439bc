import { AssayError } from '../core/errors.ts';
import { isSuccess } from './exit.ts';
import type { Waiting } from './hosts.ts';
import { allocationArgs, submitJob } from './slurm-allocation.ts';
import type { AllocationRequest } from './slurm-allocation.ts';
import { askSlurm } from './slurm-client.ts';
import { cancelAllocations, findByComment, runComment } from './slurm-queue.ts';
import { openJob, openSlurmHosts } from './slurm.ts';
import type { SlurmHosts, SlurmRequest } from './slurm.ts';

interface ArrayOptions {
  /** Whose array it is: until a run takes a task, the task is found by this. */
  readonly sessionId: string;
  /** How many runs wait for the same nodes. */
  readonly count: number;
  /** The session's: with it go all tasks of the session that no run took. */
  readonly signal: AbortSignal;
}

/**
 * Submits one job array for runs that need the same nodes, of which one task at a time holds them, and
 * answers its tasks in the order in which Slurm starts them. Rejects like a job of a single run.
 */
export async function submitSlurmArray(
  request: AllocationRequest,
  { sessionId, count, signal }: ArrayOptions,
): Promise<readonly string[]> {
  const args = [...allocationArgs(request), `--array=0-${count - 1}%1`];
  const id = await submitJob(args, { comment: sessionComment(sessionId), env: {}, signal });
  return Array.from({ length: count }, (_, task) => `${id}_${task}`);
}

/**
 * Takes a task of an array for a run: from now on it is found by the run's label. A task that is over,
 * because it held its nodes for too long before anybody took it, is replaced by a job of the run's own.
 */
export async function openSlurmTask(task: string, request: SlurmRequest, waiting: Waiting): Promise<SlurmHosts> {
  waiting.signal.throwIfAborted();
  const { exit } = await askSlurm('scontrol', ['update', `jobid=${task}`, `comment=${runComment(request.runId)}`]);
  if (isSuccess(exit)) return openJob(task, request, waiting);
  await cancelAllocations([task]);
  return openSlurmHosts(request, waiting);
}

/** Ends the tasks of a session's arrays that no run took. Rejects when that cannot be confirmed. */
export async function cancelSlurmArrays(sessionId: string): Promise<void> {
  const left = await findByComment(sessionComment(sessionId));
  if (left === null) {
    throw new AssayError('TEARDOWN_FAILED', 'squeue does not tell whether tasks of this session still wait', {
      hint: 'cancel what `squeue --me --array --format="%i %k"` shows with the comment ' + sessionComment(sessionId),
    });
  }
  await cancelAllocations(left);
}

function sessionComment(sessionId: string): string {
  return `assay.session=${sessionId}`;
}
