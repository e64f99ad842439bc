import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { AssayError } from '../../core/errors.ts';
import type { Executor } from '../../exec/executor.ts';
import { describeExit, isSuccess } from '../../exec/exit.ts';
import type { RunContext } from '../../lifecycle/adapter.ts';
import type { ResultFile } from './program.ts';

/**
 * Fetches what programs left on their hosts into the run's attachments. What is not there is left out: parse says that it
 * is missed, and what there is instead. Rejects with EVIDENCE_MISSING for a file that is there and does not come, and
 * for a host that does not tell what is there.
 */
export async function fetchResults(context: RunContext, results: readonly ResultFile[]): Promise<void> {
  // Not in the run directory, which must hold no secret at any moment.
  const folder = await mkdtemp(join(tmpdir(), 'assay-fetched-'));
  try {
    for (const { host, path: pattern, as } of eachOnce(context, results)) {
      const executor = context.executor(host);
      const isMany = basename(pattern).includes('*');
      for (const path of await matches(executor, pattern)) {
        const here = join(folder, 'file');
        await executor.copyOut(path, here);
        await context.writer.attachFile(isMany ? `${as}/${basename(path)}` : as, here);
      }
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Nodes that are one machine have one folder: what the first of them left is not the others', too. */
function eachOnce({ request }: Pick<RunContext, 'request'>, results: readonly ResultFile[]): readonly ResultFile[] {
  if (request.on.reach.executor !== 'local') return results;
  return results.filter(({ path }, index) => results.findIndex((one) => one.path === path) === index);
}

/** The files that a pattern names on a host, sorted by name. */
async function matches(executor: Executor, pattern: string): Promise<readonly string[]> {
  const folder = pattern.slice(0, pattern.lastIndexOf('/'));
  const script = 'find "$1" -maxdepth 1 -type f -name "$2" 2>/dev/null; true';
  const command = { file: 'sh', args: ['-c', script, 'sh', folder, basename(pattern)] };
  const { exit, stdout } = await executor.run(command);
  if (!isSuccess(exit)) {
    const message = `${executor.host} does not tell what is in ${folder}: ${describeExit(exit)}`;
    throw new AssayError('EVIDENCE_MISSING', message, {
      hint: 'check the connection to the host, and run the cell again',
    });
  }
  return stdout
    .split('\n')
    .filter((path) => path !== '')
    .toSorted();
}
