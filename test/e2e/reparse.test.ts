import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { beforeAll, describe, expect, it } from 'vitest';
import { amendRun } from '../../src/evidence/amend-run.ts';
import type { Manifest } from '../../src/evidence/manifest.ts';
import { readManifest } from '../../src/evidence/run-reader.ts';
import { COMMAND, NODE, ONE_CELL, Project } from './project.ts';

const LOAD = 'attachments/llama-cpp-load.json';

let project: Project;
let folder: string;
beforeAll(async () => {
  project = new Project({ 'configs/quick.yaml': ONE_CELL });
  await project.run();
  folder = project.runFolders()[0]!;
});

const assay = async (...args: readonly string[]) => {
  const { stdout, stderr, exitCode } = await execa(NODE, [COMMAND, ...args], {
    cwd: project.root,
    reject: false,
  });
  return { stdout, stderr, exitCode };
};

const place = (): string => folder.slice(project.root.length + 1);

/** Makes the run one that an older parser has read. */
async function asReadBefore(change: (scalars: Manifest['result']['scalars']) => void): Promise<void> {
  await amendRun(folder, async (manifest) => {
    const older = structuredClone(manifest);
    change(older.result.scalars);
    return { manifest: older, files: {} };
  });
}

describe('assay reparse', () => {
  it('finds in the run directory alone all that the run had in memory', async () => {
    const fresh = readFileSync(join(folder, 'manifest.json'), 'utf8');
    expect(await assay('reparse')).toEqual({
      stdout: '1 run read again, 1 unchanged',
      stderr: '',
      exitCode: 0,
    });
    expect(readFileSync(join(folder, 'manifest.json'), 'utf8')).toBe(fresh);
  });

  it('prints which figures changed, writes none in a dry run, and has nothing to do after that', async () => {
    const fresh = readManifest(folder);
    const { requests: rows, peak_in_flight: peak } = fresh.result.scalars;
    await asReadBefore((scalars) => {
      scalars['peak_in_flight'] = 99;
    });
    const older = readFileSync(join(folder, 'manifest.json'), 'utf8');
    const points = fresh.sidecars['trajectory.parquet']!.rows;
    const change = `peak_in_flight 99 -> ${peak}, rows ${rows} -> ${rows}, points ${points} -> ${points}`;
    expect((await assay('reparse', '--dry-run')).stdout).toBe(
      ` ✓ ${place()}\n   ${change}\n1 run read again, 1 would change\nNothing was written: leave out --dry-run to keep these figures.`,
    );
    expect(readFileSync(join(folder, 'manifest.json'), 'utf8')).toBe(older);
    expect((await assay('reparse')).stdout).toContain(`   ${change}\n1 run read again, 1 changed`);
    expect(readManifest(folder).result).toEqual(fresh.result);
    expect(readManifest(folder).verdicts).toEqual(fresh.verdicts);
    expect((await assay('reparse')).stdout).toBe('1 run read again, 1 unchanged');
    expect((await assay('verify', '--evidence')).stdout).toBe('1 run checked, 0 damaged');
  });

  it('leaves out other cells and older runs', async () => {
    const none = { stdout: '0 runs read again\nNo stored run is of these cells and of that time.', exitCode: 3 };
    expect(await assay('reparse', '--only-cells', 'no-such-*')).toMatchObject(none);
    expect(await assay('reparse', '--since', '2100-01-01')).toMatchObject(none);
    expect(await assay('reparse', '--only-cells', '*', '--since', '1d')).toMatchObject({ exitCode: 0 });
  });

  it('tells of a run whose raw data is gone, for people and as JSON', async () => {
    const content = readFileSync(join(folder, LOAD));
    rmSync(join(folder, LOAD));
    const { stdout, exitCode } = await assay('reparse');
    expect(exitCode).toBe(2);
    expect(stdout).toContain(` ✗ ${place()}/${LOAD} is missing: the run cannot be read again\n   next: restore`);
    const { runs } = JSON.parse((await assay('reparse', '--json')).stdout);
    expect(runs).toMatchObject([{ state: 'refused', run: folder, problem: { hint: expect.stringContaining('lost') } }]);
    writeFileSync(join(folder, LOAD), content);
  });
});
