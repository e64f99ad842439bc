import { setTimeout as delay } from 'node:timers/promises';
import { AssayError } from '../core/errors.ts';
import { isSuccess } from './exit.ts';
import { CONTAINER_LABEL } from './run-label.ts';
import { askSlurm, complaintOf } from './slurm-client.ts';

const FIELDS = '--format=%i|%A|%T|%r|%k';

// A killed job is shown until its processes are gone and the site's own clean-up has run.
const GONE_MS = 120_000;
const RECALL_MS = 5_000;

/** One job, or one task of a job array, as `squeue` shows it. */
export interface QueuedJob {
  /** What it is called: `12`, or `12_3` for a task of an array. */
  readonly id: string;
  /** The number behind it, for steps only: the last task of an array has the one of the whole array. */
  readonly number: string;
  /** Such as PENDING or NODE_FAIL. */
  readonly state: string;
  /** Why it waits or ended; null when Slurm names no reason. */
  readonly reason: string | null;
  readonly comment: string;
}

/** What the queue says about one job. */
export type QueueAnswer =
  | { readonly kind: 'job'; readonly job: QueuedJob }
  /** It is over for so long that nobody knows it any more. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'silent'; readonly complaint: string };

/** The comment by which a run's jobs are found. */
export function runComment(runId: string): string {
  return `${CONTAINER_LABEL}=${runId}`;
}

/** Reads what `squeue` printed. */
export function parseQueue(stdout: string): readonly QueuedJob[] {
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [id = '', number = '', state = '', reason = '', ...comment] = line.split('|');
      return { id, number, state, reason: reason === 'None' ? null : reason, comment: comment.join('|') };
    });
}

/** Asks for one job, also when it is over. */
export async function askForJob(id: string, signal: AbortSignal): Promise<QueueAnswer> {
  const args = ['--noheader', '--array', '--states=all', `--jobs=${id}`, FIELDS];
  const finished = await askSlurm('squeue', args, { signal });
  if (isSuccess(finished.exit)) {
    const job = parseQueue(finished.stdout).at(0);
    return job === undefined ? { kind: 'unknown' } : { kind: 'job', job };
  }
  if (finished.stderr.includes('Invalid job id')) return { kind: 'unknown' };
  return { kind: 'silent', complaint: complaintOf(finished) };
}

/** This user's jobs with exactly this comment; null when `squeue` does not answer. */
export async function findByComment(wanted: string): Promise<readonly string[] | null> {
  const jobs = await ownJobs();
  if (jobs === null) return null;
  return jobs.filter(({ comment }) => comment === wanted).map(({ id }) => id);
}

/** This user's jobs that carry a run's label; null when `squeue` does not answer. */
export function findAllocations(runId: string): Promise<readonly string[] | null> {
  return findByComment(runComment(runId));
}

/** Ends these jobs and waits until the queue shows none of them. Rejects when that is not confirmed in time. */
export async function cancelAllocations(ids: readonly string[], withinMs = GONE_MS): Promise<void> {
  if (ids.length === 0) return;
  const deadline = Date.now() + withinMs;
  let recallAt = 0;
  for (let pauseMs = 50; ; pauseMs = Math.min(pauseMs * 1.5, 2_000)) {
    if (Date.now() >= recallAt) {
      await askSlurm('scancel', ids);
      recallAt = Date.now() + RECALL_MS;
    }
    const jobs = await ownJobs();
    const left = jobs?.filter(({ id }) => ids.includes(id));
    if (left?.length === 0) return;
    if (Date.now() > deadline) throw notGone(ids, left ?? null);
    await delay(pauseMs);
  }
}

function notGone(ids: readonly string[], left: readonly QueuedJob[] | null): AssayError {
  const shown = left === null ? 'squeue does not answer' : left.map(({ id, state }) => `${id} is ${state}`).join(', ');
  return new AssayError('TEARDOWN_FAILED', `Slurm did not confirm the end of job ${ids.join(', ')}: ${shown}`, {
    hint: `run \`scancel ${ids.join(' ')}\` when Slurm answers again`,
  });
}

async function ownJobs(): Promise<readonly QueuedJob[] | null> {
  const { exit, stdout } = await askSlurm('squeue', ['--me', '--noheader', '--array', FIELDS]);
  return isSuccess(exit) ? parseQueue(stdout) : null;
}
