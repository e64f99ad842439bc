import { setTimeout as delay } from 'node:timers/promises';
import type { SlurmOptions } from '../config/node-address.ts';
import { AssayError } from '../core/errors.ts';
import { isSuccess } from './exit.ts';
import type { HostNode, Waiting } from './hosts.ts';
import { runLocal } from './local.ts';
import { complaintOf, slurmCommand } from './slurm-client.ts';
import { askForJob, cancelAllocations, findByComment } from './slurm-queue.ts';
import type { QueuedJob } from './slurm-queue.ts';

const MINUTE_MS = 60_000;

const ENDED = new Set([
  'BOOT_FAIL',
  'CANCELLED',
  'COMPLETED',
  // It is shown as such while it goes, whatever it goes into.
  'COMPLETING',
  'DEADLINE',
  'FAILED',
  'NODE_FAIL',
  'OUT_OF_MEMORY',
  'PREEMPTED',
  'REVOKED',
  'TIMEOUT',
]);

/** The nodes that a run needs from Slurm. */
export interface AllocationRequest {
  /** Named as Slurm names them. */
  readonly nodes: readonly HostNode[];
  readonly slurm: SlurmOptions;
  /** Whether the run has its nodes to itself, with all their CPUs and memory. */
  readonly isExclusive: boolean;
  readonly timeLimitMs: number;
}

interface SubmitOptions {
  readonly comment: string;
  /** What marks the client itself. */
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/**
 * The arguments of `sbatch` for a job that only holds its nodes. The pool's own options may change
 * what is asked for, but not which nodes.
 */
export function allocationArgs(request: AllocationRequest): readonly string[] {
  const { nodes, slurm, isExclusive, timeLimitMs } = request;
  // One job asks the same of all its nodes.
  const gpus = Math.max(...nodes.map((node) => node.gpus));
  return [
    ...(isExclusive ? ['--exclusive', '--mem=0'] : []),
    ...(gpus > 0 ? [`--gpus-per-node=${gpus}`] : []),
    `--time=${Math.ceil(timeLimitMs / MINUTE_MS)}`,
    '--job-name=assay',
    ...(slurm.partition === null ? [] : [`--partition=${slurm.partition}`]),
    ...(slurm.account === null ? [] : [`--account=${slurm.account}`]),
    ...slurm.options,
    '--parsable',
    `--nodelist=${nodes.map(({ name }) => name).join(',')}`,
    `--nodes=${nodes.length}`,
    '--ntasks-per-node=1',
    '--no-requeue',
    '--output=/dev/null',
    '--chdir=/',
    // Slurm keeps the environment of a job on disk: ours has no business there.
    '--export=NIL',
    '--wrap=exec sleep 2147483647',
  ];
}

/**
 * Submits a job that is found by its comment and answers its id. Rejects with SETUP_FAILED when Slurm
 * refuses it, and with the signal's reason; then the queue holds nothing of it.
 */
export async function submitJob(args: readonly string[], { comment, env, signal }: SubmitOptions): Promise<string> {
  signal.throwIfAborted();
  // Not ended by the signal: a client that dies cannot tell whether its job was taken.
  const finished = await runLocal(slurmCommand('sbatch', [...args, `--comment=${comment}`], env));
  // With a cluster's name behind it where several are known.
  const id = /^(\d+)(;|$)/m.exec(finished.stdout)?.[1];
  if (finished.exit.kind !== 'exited' || signal.aborted) {
    await cancelAllocations((await findByComment(comment)) ?? (id === undefined ? [] : [id]));
  }
  signal.throwIfAborted();
  if (isSuccess(finished.exit) && id !== undefined) return id;
  throw new AssayError('SETUP_FAILED', `Slurm refused the job: ${complaintOf(finished)}`, {
    hint: 'compare node names, GPUs, partition, account and options of the cluster file with `scontrol show node`',
  });
}

/**
 * Waits until a job runs and answers it. Rejects with SETUP_FAILED when it ends before, and with
 * the signal's reason. Slurm may be silent meanwhile: that is waited for, too.
 */
export async function untilRunning(id: string, { signal, onWait }: Waiting): Promise<QueuedJob> {
  let told = '';
  for (let pauseMs = 50; ; pauseMs = Math.min(pauseMs * 1.5, 5_000)) {
    const answer = await askForJob(id, signal);
    if (answer.kind === 'unknown') throw endedEarly(id, 'is not in the queue any more');
    if (answer.kind === 'job' && answer.job.state === 'RUNNING') return answer.job;
    if (answer.kind === 'job' && ENDED.has(answer.job.state)) throw endedEarly(id, `was ${describe(answer.job)}`);
    const reason = answer.kind === 'job' ? describe(answer.job) : answer.complaint;
    if (reason !== told) onWait(reason);
    told = reason;
    await delay(pauseMs, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

function describe({ state, reason }: QueuedJob): string {
  return reason === null ? state : `${state} (${reason})`;
}

function endedEarly(id: string, what: string): AssayError {
  return new AssayError('SETUP_FAILED', `Slurm job ${id} ended before it held its nodes: it ${what}`, {
    hint: `\`scontrol show job ${id}\` says more, as long as Slurm remembers the job`,
  });
}
