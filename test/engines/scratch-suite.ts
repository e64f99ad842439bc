import { chmodSync, existsSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import type { ContainerSpec } from '../../src/config/schema/container.ts';
import { noSecrets } from '../../src/core/scrubber.ts';
import { inContainer } from '../../src/exec/container.ts';
import type { Command, Executor } from '../../src/exec/executor.ts';
import { localExecutor } from '../../src/exec/local.ts';
import { makeScratch, removeScratch, scratchOf } from '../../src/exec/scratch.ts';
import { shell } from './container-bench.ts';
import type { Bench } from './container-bench.ts';
import { missingPrograms } from './missing-programs.ts';

const NOBODY = 65_534;

const noSetpriv = await missingPrograms(['setpriv']);

/** The folder of a run that programs in containers write into, where whoever runs them is not root. */
export function goesWithItsRun(bench: () => Bench, runtime: ContainerSpec['runtime']): void {
  const why = noSetpriv === null ? '' : ` (${noSetpriv})`;
  it.skipIf(noSetpriv !== null)(`goes, though its programs write as root and this user is not${why}`, async () => {
    if (runtime === 'docker') letEverybodyUse(bench().engine.env['DOCKER_HOST'] ?? '');
    const user = asNobody(localExecutor('here'), runtime);
    const executor = inContainer(user, bench().spec());
    const runId = `scratch-${process.pid}-${runtime}`;
    const folder = scratchOf(runId);
    await makeScratch(executor, runId);
    const script = `mkdir -p "${folder}/a b/c" && echo x >"${folder}/a b/c/.hidden" && chmod 700 "${folder}/a b"`;
    const options = { runId, role: 'server', logFile: join(bench().folder, `${runId}.log`) };
    const writer = await executor.start(shell(script, { writes: [folder] }), {
      ...options,
      scrubber: noSecrets,
      secrets: {},
    });
    expect(await writer.exited).toEqual({ kind: 'exited', code: 0 });
    await writer.stop(0);
    expect([statSync(folder).uid, statSync(join(folder, 'a b')).uid]).toEqual([NOBODY, 0]);
    await expect(removeScratch(user, runId)).rejects.toThrow(/Permission denied/);

    await removeScratch(executor, runId);
    expect(existsSync(folder)).toBe(false);
    expect(await executor.findLabelled(runId)).toEqual([]);
  });
}

/** Commands of this machine as somebody who is not root; podman's storage would be another for them. */
function asNobody(inner: Executor, runtime: ContainerSpec['runtime']): Executor {
  const lowered = (command: Command): Command =>
    runtime === 'podman' && command.file !== 'rm' && command.file !== 'mkdir' ? command : demoted(command);
  return {
    ...inner,
    run: (command, options) => inner.run(lowered(command), options),
    start: (command, options) => inner.start(lowered(command), options),
  };
}

function demoted({ file, args, ...rest }: Command): Command {
  const ids = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];
  return { file: 'setpriv', args: [...ids, '--', file, ...args], ...rest };
}

/** Opens the way to a docker daemon of a test's own. */
function letEverybodyUse(host: string): void {
  const socket = host.replace('unix://', '');
  for (const folder of [tmpdir(), dirname(socket)]) chmodSync(folder, 0o711);
  chmodSync(socket, 0o666);
}
