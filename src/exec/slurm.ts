import type { Executor } from './executor.ts';
import type { Waiting } from './hosts.ts';
import { remoteExecutor } from './remote.ts';
import { CLIENT_LABEL } from './run-label.ts';
import { allocationArgs, submitJob, untilRunning } from './slurm-allocation.ts';
import type { AllocationRequest } from './slurm-allocation.ts';
import { slurmCarrier } from './slurm-carrier.ts';
import { askForJob, cancelAllocations, runComment } from './slurm-queue.ts';

export { cancelAllocations, findAllocations } from './slurm-queue.ts';

/** What a run needs from Slurm. */
export interface SlurmRequest extends AllocationRequest {
  readonly runId: string;
}

/** Nodes that Slurm gave to a run. */
export interface SlurmHosts {
  readonly executors: ReadonlyMap<string, Executor>;
  /** The job, or the task of an array, that holds them. */
  readonly allocation: string;
  /** Gives them back; rejects when Slurm did not confirm it. */
  close(): Promise<void>;
}

/**
 * Asks Slurm for the nodes of a run and waits for them. Rejects with SETUP_FAILED when they are not to
 * be had, and with the signal's reason; then nothing of it is in the queue.
 */
export async function openSlurmHosts(request: SlurmRequest, waiting: Waiting): Promise<SlurmHosts> {
  const { runId } = request;
  const id = await submitJob(allocationArgs(request), {
    comment: runComment(runId),
    env: { [CLIENT_LABEL]: runId },
    signal: waiting.signal,
  });
  return openJob(id, request, waiting);
}

/** The nodes of a job that runs already, none of one that still waits; null when it does not run any more. */
export async function reachSlurmJob(
  id: string,
  { nodes, runId }: Pick<SlurmRequest, 'nodes' | 'runId'>,
): Promise<readonly Executor[] | null> {
  const answer = await askForJob(id, new AbortController().signal);
  if (answer.kind === 'job' && answer.job.state === 'PENDING') return [];
  if (answer.kind !== 'job' || answer.job.state !== 'RUNNING') return null;
  const { number } = answer.job;
  return nodes.map((node) => remoteExecutor(slurmCarrier(node, { allocation: number, runId })));
}

/** Waits for a job that carries the run's label and reaches its nodes; the job goes when that fails. */
export async function openJob(id: string, { nodes, runId }: SlurmRequest, waiting: Waiting): Promise<SlurmHosts> {
  try {
    const { number } = await untilRunning(id, waiting);
    const executors = nodes.map((node) => {
      return [node.name, remoteExecutor(slurmCarrier(node, { allocation: number, runId }))] as const;
    });
    return { executors: new Map(executors), allocation: id, close: () => cancelAllocations([id]) };
  } catch (thrown) {
    await cancelAllocations([id]);
    throw thrown;
  }
}
