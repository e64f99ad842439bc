import { AssayError } from '../core/errors.ts';
import type { Executor } from './executor.ts';
import { describeExit, isSuccess } from './exit.ts';

/** The folder that a run's programs write into, the same on each of its hosts. */
export function scratchOf(runId: string): string {
  return `/tmp/assay-${runId}`;
}

/** Makes the folder on a host, for its user alone; one that is there stays. Rejects with SETUP_FAILED. */
export async function makeScratch(executor: Executor, runId: string): Promise<void> {
  const folder = scratchOf(runId);
  const { exit, stderr } = await executor.run({ file: 'mkdir', args: ['-p', '-m', '700', folder] });
  if (isSuccess(exit)) return;
  const why = stderr.trim() || describeExit(exit);
  throw new AssayError('SETUP_FAILED', `${folder} cannot be made on ${executor.host}: ${why}`, {
    hint: 'make room there, or let this user write to /tmp',
  });
}

/** Removes the folder and all that is in it. Rejects with TEARDOWN_FAILED when something stays. */
export async function removeScratch(executor: Executor, runId: string): Promise<void> {
  const folder = scratchOf(runId);
  const { exit, stderr } = await executor.run({ file: 'rm', args: ['-rf', folder] });
  if (isSuccess(exit)) return;
  const why = stderr.trim() || describeExit(exit);
  throw new AssayError('TEARDOWN_FAILED', `${folder} cannot be removed on ${executor.host}: ${why}`, {
    hint: 'remove it by hand, perhaps as the user that its container ran as',
  });
}
