import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeFileAtomically } from '../../src/evidence/atomic-file.ts';
import { readManifest } from '../../src/evidence/run-reader.ts';
import { ONE_CELL, Project } from '../e2e/project.ts';
import { runRow } from './failure-bench.ts';
import type { Row } from './failure-bench.ts';
import { engines } from './failure-engines.ts';
import type { Engine, OpenEngine } from './failure-engines.ts';
import { hostedRows, smallDisk } from './failure-hosted.ts';
import { resultRows } from './failure-rows-results.ts';
import { workRows } from './failure-rows.ts';
import { hostRows } from './failure-rows-hosts.ts';

const { local, docker, ssh, slurm } = await engines();
const isRoot = process.getuid?.() === 0;

describeRows(local, [...workRows, ...resultRows]);
describeRows(docker, hostRows.docker);
describeRows(ssh, hostRows.ssh);
describeRows(slurm, hostRows.slurm);

describeHosted(local, 'local');
describeHosted(ssh, 'ssh');

describe.skipIf(!isRoot)(`a full disk${isRoot ? '' : ' (skipped: only root can mount a small one)'}`, () => {
  it('keeps the old manifest when a part of the new one would still fit', async () => {
    const { artifacts, fill } = await smallDisk();
    const path = join(artifacts, 'manifest.json');
    writeFileSync(path, 'old');
    const spare = join(artifacts, 'spare');
    writeFileSync(spare, Buffer.alloc(8192));
    fill();
    rmSync(spare);
    expect(() => writeFileAtomically(path, 'n'.repeat(20_000))).toThrow(/manifest\.json cannot be written: ENOSPC/);
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(artifacts).toSorted()).toEqual(['.filler', 'manifest.json']);
  });

  it('is told by a whole session, and by the run that met it', async () => {
    const project = new Project({ 'configs/quick.yaml': ONE_CELL });
    const { fill } = await smallDisk(`${project.root}/runs`);
    const session = project.vitest('run', '--reporter=default');
    session.all.on('data', (chunk: Buffer) => chunk.toString().includes('launch') && fill());
    const { all, exitCode } = await session;
    expect(exitCode, all).toBe(1);
    expect(all).toContain('ENOSPC: no space left on device, write - free space on this disk');
    expect(readManifest(project.runFolders()[0] ?? '')).toMatchObject({
      status: 'failed_setup',
      failure: { originated_in_phase: 'launch', message: expect.stringContaining('ENOSPC') },
    });
  });
});

function describeRows({ name, missing, open }: Engine, rows: readonly Row[]): void {
  describe.skipIf(missing !== null)(`failures on ${name}${missing === null ? '' : ` (skipped: ${missing})`}`, () => {
    let engine: OpenEngine | undefined;
    beforeAll(async () => {
      engine = await open();
    });
    afterAll(() => engine?.close());

    it.for(named(rows))('when %s', async ([, row], { skip }) => {
      if (typeof row.missing === 'string') skip(row.missing);
      await runRow(row, engine!);
    });
  });
}

function describeHosted({ name, missing, open }: Engine, kind: 'local' | 'ssh'): void {
  const reason = missing ?? (isRoot ? null : 'only root can change the limits of a process');
  describe.skipIf(reason !== null)(`a job host on ${name}${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
    let engine: OpenEngine | undefined;
    beforeAll(async () => {
      engine = await open();
    });
    afterAll(() => engine?.close());

    it.for(named(hostedRows.filter((row) => row.engine === kind)))('when %s', async ([, { run }]) => {
      await run(engine!);
    });
  });
}

// `$name` would cut the names short.
function named<R extends { readonly name: string }>(rows: readonly R[]): readonly (readonly [string, R])[] {
  return rows.map((row) => [row.name, row]);
}
