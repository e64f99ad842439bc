import { AssayError, messageOf } from '../core/errors.ts';
import type { Executor, Finished } from './executor.ts';
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

/**
 * Removes the folder and all that is in it, also what programs in containers wrote there as another user. Rejects with
 * TEARDOWN_FAILED when something stays.
 */
export async function removeScratch(executor: Executor, runId: string): Promise<void> {
  const folder = scratchOf(runId);
  const plain = await remove(executor, folder);
  if (isSuccess(plain.exit)) return;
  if (!isDenied(plain) || executor.emptyFolder === undefined) throw notRemoved(executor, folder, reasonOf(plain));
  const failure = await executor.emptyFolder(folder, runId).then(() => null, messageOf);
  const again = await remove(executor, folder);
  if (isSuccess(again.exit)) return;
  const also = failure === null ? '' : `; nor by a container: ${failure}`;
  throw notRemoved(executor, folder, `${reasonOf(again)}${also}`);
}

// Its complaints are read: they are to be in one language.
function remove(executor: Executor, folder: string): Promise<Finished> {
  return executor.run({ file: 'rm', args: ['-rf', folder], env: { LC_ALL: 'C' } });
}

function isDenied({ stderr }: Finished): boolean {
  return /Permission denied|Operation not permitted/.test(stderr);
}

// There is a line for each file that stays.
function reasonOf({ exit, stderr }: Finished): string {
  const [first = '', ...more] = stderr.trim().split('\n');
  return `${first || describeExit(exit)}${more.length === 0 ? '' : ` (and ${more.length} more)`}`;
}

function notRemoved(executor: Executor, folder: string, why: string): AssayError {
  return new AssayError('TEARDOWN_FAILED', `${folder} cannot be removed on ${executor.host}: ${why}`, {
    hint: 'remove it by hand, perhaps as the user that its container ran as',
  });
}
