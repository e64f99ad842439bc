import { describe, expect, it } from 'vitest';
import type { Command, Executor, Finished } from '../../../src/exec/executor.ts';
import { localExecutor } from '../../../src/exec/local.ts';
import { removeScratch } from '../../../src/exec/scratch.ts';

const DENIED = "rm: cannot remove '/tmp/assay-7/a': Permission denied\n";
const REMOVED = [0, ''] as const;
const REFUSED = [1, `${DENIED}${DENIED}`] as const;

/** A host whose `rm` ends so, one time after the other; what is done there, in order. */
function host(ends: readonly (readonly [code: number, stderr: string])[], emptyFolder?: Executor['emptyFolder']) {
  const done: (Command | string)[] = [];
  let count = 0;
  const executor: Executor = {
    ...localExecutor('n1'),
    run: async (command): Promise<Finished> => {
      done.push(command);
      const [code, stderr] = ends[count++] ?? REMOVED;
      return { exit: { kind: 'exited', code }, stdout: '', stderr };
    },
    ...(emptyFolder === undefined
      ? {}
      : {
          emptyFolder: async (folder, runId) => {
            done.push(`empty ${folder} of ${runId}`);
            await emptyFolder(folder, runId);
          },
        }),
  };
  return { executor, done };
}

const RM = { file: 'rm', args: ['-rf', '/tmp/assay-7'], env: { LC_ALL: 'C' } };
const withContainers = async (): Promise<void> => undefined;

describe('removeScratch', () => {
  it('asks no container where it may remove everything itself', async () => {
    const { executor, done } = host([REMOVED], withContainers);
    await removeScratch(executor, '7');
    expect(done).toEqual([RM]);
  });

  it('has a container remove what belongs to somebody else, then the folder itself', async () => {
    const { executor, done } = host([REFUSED, REMOVED], withContainers);
    await removeScratch(executor, '7');
    expect(done).toEqual([RM, 'empty /tmp/assay-7 of 7', RM]);
  });

  it('has it done where somebody else did it meanwhile, whatever the container came to', async () => {
    const { executor } = host([REFUSED, REMOVED], () => Promise.reject(new Error('no such folder')));
    await expect(removeScratch(executor, '7')).resolves.toBeUndefined();
  });

  const told =
    "/tmp/assay-7 cannot be removed on n1: rm: cannot remove '/tmp/assay-7/a': Permission denied (and 1 more)";
  it.each<{ what: string; ends: Parameters<typeof host>[0]; empty?: Executor['emptyFolder']; message: string }>([
    { what: 'there are no containers', ends: [REFUSED], message: told },
    { what: 'a container could not either', ends: [REFUSED, REFUSED], empty: withContainers, message: told },
    {
      what: 'the engine refuses',
      ends: [REFUSED, REFUSED],
      empty: () => Promise.reject(new Error('docker on n1 does not answer')),
      message: `${told}; nor by a container: docker on n1 does not answer`,
    },
    {
      what: 'it is no matter of rights',
      ends: [[1, 'rm: /tmp/assay-7: Input/output error\n']],
      empty: withContainers,
      message: '/tmp/assay-7 cannot be removed on n1: rm: /tmp/assay-7: Input/output error',
    },
  ])('says what stays where $what', async ({ ends, empty, message }) => {
    const { executor } = host(ends, empty);
    await expect(removeScratch(executor, '7')).rejects.toMatchObject({ code: 'TEARDOWN_FAILED', message });
  });
});
