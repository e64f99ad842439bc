import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { containersOf, openBench, printed, shell } from './container-bench.ts';
import type { Bench } from './container-bench.ts';
import { describeContainerConformance } from './container-conformance.ts';
import { describeContainers } from './container-suite.ts';
import { dockerMissing, startDocker } from './docker-engine.ts';
import type { DockerEngine } from './docker-engine.ts';

const missing = await dockerMissing();

describeContainerConformance('docker', { missing, start: startDocker });

describeContainers({ runtime: 'docker', missing, start: startDocker, more: tellsOutOfMemory });

function tellsOutOfMemory(bench: () => Bench): void {
  it('says that a container ran out of memory, and prints it as its last line', async () => {
    const folder = join(bench().folder, 'signal');
    mkdirSync(folder);
    const greedy = shell(`echo up; while [ ! -e ${folder}/go ]; do sleep 0.05; done; exec tail /dev/zero`);
    const { process, containerId, runId, log } = await bench().start({ ...greedy, reads: [folder] });
    await printed(process, 'up');
    await bench().client('update', '--memory=16m', '--memory-swap=16m', containerId);
    writeFileSync(join(folder, 'go'), '');
    expect(await process.exited).toEqual({ kind: 'exited', code: 137, isOutOfMemory: true });
    const line = `container assay-${runId}-server.here exited with code 137, OOMKilled`;
    expect(process.tail(1)).toEqual([line]);
    expect(log().trimEnd().split('\n').at(-1)).toBe(line);
    await process.stop(0);
  });
}

describe.skipIf(missing !== null)(`a docker daemon that dies${missing === null ? '' : ` (${missing})`}`, () => {
  let docker: DockerEngine;
  let bench: Bench;
  beforeAll(async () => {
    bench = await openBench('docker', async () => (docker = await startDocker()));
  });
  afterAll(() => bench?.close());

  it('loses its containers, which are found as processes, and as containers when it is back', async () => {
    const { process, runId, containerId } = await bench.start(shell('echo up; sleep 600'));
    const other = await bench.start(shell('echo up; sleep 600'));
    await printed(process, 'up');
    await docker.kill9();
    expect(await process.exited).toMatchObject({
      kind: 'lost',
      reason: expect.stringMatching(/docker on here does not tell/),
    });
    await expect(process.stop(0)).rejects.toMatchObject({
      code: 'TEARDOWN_FAILED',
      hint: expect.stringContaining('may still run'),
    });

    const found = await bench.executor().findLabelled(runId);
    expect(containersOf(found)).toEqual([]);
    expect(found).toContainEqual(expect.objectContaining({ kind: 'process', pid: process.id.pid }));
    await expect(
      bench.executor().end([...(found ?? []), { kind: 'container', id: containerId }]),
    ).rejects.toMatchObject({
      message: expect.stringContaining(containerId),
    });
    // Nothing is left of the processes; whether there are containers, nobody can tell.
    await expect(bench.executor().findLabelled(runId)).rejects.toThrow(/^docker on \S+ does not answer/);

    await docker.restart();
    expect(await bench.executor().findLabelled(runId)).toEqual([{ kind: 'container', id: containerId }]);
    expect(await process.stop(0)).toMatchObject({ kind: 'exited' });
    expect(await bench.executor().findLabelled(runId)).toEqual([]);
    // The one that nobody ended lives on under the new daemon.
    const left = await bench.executor().findLabelled(other.runId);
    expect(containersOf(left)).toEqual([other.containerId]);
    await bench.executor().end(left ?? []);
    expect(await bench.executor().findLabelled(other.runId)).toEqual([]);
  });
});
