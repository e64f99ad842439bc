import { readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { execa } from 'execa';
import { beforeAll, describe, expect, it } from 'vitest';
import { readManifest } from '../../src/evidence/run-reader.ts';
import { COMMAND, NODE, ONE_CELL, Project } from './project.ts';

const CONFIG = 'configs/quick.yaml';

/** No request is answered in so little time. */
const TIGHT = ONE_CELL.replace('value: 60000', 'value: 0.001');

let project: Project;
let folder: string;
beforeAll(async () => {
  project = new Project({ [CONFIG]: ONE_CELL });
  const session = await project.run();
  expect(session.exitCode).toBe(0);
  folder = session.launched[0]!;
});

function verify(...args: readonly string[]) {
  return execa(NODE, [COMMAND, 'verify', ...args], { cwd: project.root, reject: false });
}

/** Judges by another config, or by the same one. */
async function verifyBy(config: string, ...args: readonly string[]) {
  project.write(CONFIG, config);
  return verify(...args);
}

describe('assay verify', () => {
  it("holds today's thresholds against stored runs without a launch, and says what changed", async () => {
    const same = await verifyBy(ONE_CELL);
    expect([same.exitCode, same.stdout]).toEqual([
      0,
      `1 run re-judged, 1 unchanged\nNothing was launched: today's thresholds were held against the recorded rows.`,
    ]);
    const dry = await verifyBy(TIGHT, '--dry-run');
    expect(dry.exitCode).toBe(1);
    expect(dry.stdout).toContain('Nothing was written');
    expect(readManifest(folder).status).toBe('passed');

    const tight = await verify();
    expect(tight.exitCode).toBe(1);
    expect(tight.stdout).toMatch(
      /^quick\/balanced-conc2\n ✗ \S+ \S+ {2}passed -> failed_verification {2}runs\/quick\//,
    );
    expect(tight.stdout).toMatch(/ttft_p99 +passed -> failed {2}margin \+\S+ -> -\S+ ms \(limit 60000 -> 0\.001\)/);
    expect(tight.stdout).toContain('1 run re-judged, 1 now fails\n');
    expect(readManifest(folder)).toMatchObject({ status: 'failed_verification' });

    const back = await verifyBy(ONE_CELL);
    expect([back.exitCode, back.stdout.split('\n').at(-2)]).toEqual([0, '1 run re-judged, 1 now passes']);
    expect(readManifest(folder)).toMatchObject({ status: 'passed', failure: null });
    expect(readManifest(folder).verifications).toHaveLength(2);
    expect(project.runFolders()).toEqual([folder]);
    expect((await verify('--evidence')).exitCode).toBe(0);
  });

  it('answers as JSON', async () => {
    const { stdout, exitCode } = await verifyBy(TIGHT, '--json', '--dry-run');
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      runs: [
        {
          run: folder,
          state: 'judged',
          test_id: 'quick',
          cell_id: 'balanced-conc2',
          status: { before: 'passed', after: 'failed_verification' },
          changes: [{ benchmark: 'ttft_p99', before: { outcome: 'passed' }, after: { outcome: 'failed' } }],
        },
      ],
      totals: { judged: 1, now_fail: 1, unchanged: 0 },
      launched: 0,
    });
  });

  it('says when there is nothing to judge', async () => {
    const renamed = ONE_CELL.replace('test_id: quick', 'test_id: other');
    const other = await verifyBy(renamed);
    expect([other.exitCode, other.stdout]).toEqual([3, "0 runs re-judged, 1 has no cell in today's configs"]);
    const late = await verifyBy(ONE_CELL, '--since', '2999-01-01');
    expect([late.exitCode, late.stdout]).toEqual([3, '0 runs re-judged']);
    const nowhere = await verify('nowhere');
    expect([nowhere.exitCode, nowhere.stderr]).toEqual([2, expect.stringContaining('there is no folder')]);
    const file = await verify('package.json');
    expect([file.exitCode, file.stderr]).toEqual([2, expect.stringContaining('package.json is a file')]);
    for (const args of [[], ['--evidence']]) {
      const empty = await verify('configs', ...args);
      expect([empty.exitCode, empty.stdout]).toEqual([3, 'no stored run in configs']);
    }
    const mixed = await verify('--evidence', '--since', '1d');
    expect([mixed.exitCode, mixed.stderr]).toEqual([2, expect.stringContaining('--since chooses nothing')]);
  });

  it('loses nothing when two judge at once', async () => {
    const limits = [50_000, 40_000].map((limit) => `thresholds.1.value=${limit}`);
    await verifyBy(ONE_CELL);
    const both = await Promise.all(limits.map((limit) => verify('--set', limit)));
    expect(both.map(({ exitCode, stderr }) => [exitCode, stderr])).toEqual([
      [0, ''],
      [0, ''],
    ]);
    const { verifications, verification_hash } = readManifest(folder);
    expect(verifications).toHaveLength(4);
    expect(verifications.at(-1)?.verification_hash).toBe(verification_hash);
    expect((await verify('--evidence')).exitCode).toBe(0);
  });

  it('tells a damaged run, and judges the others', async () => {
    const second = (await project.run()).launched[0]!;
    const samples = join(folder, 'samples.parquet');
    const whole = readFileSync(samples);
    writeFileSync(
      samples,
      whole.map((byte, at) => (at === 100 ? byte ^ 1 : byte)),
    );
    const { stdout, exitCode } = await verifyBy(TIGHT);
    writeFileSync(samples, whole);
    expect(exitCode).toBe(2);
    expect(stdout).toContain(` ✗ ${relative(project.root, samples)} has sha256:`);
    expect(stdout).toContain('   next: the run can no longer be judged');
    expect(stdout).toContain('1 run re-judged, 1 now fails, 1 could not be judged');
    expect(readManifest(second).status).toBe('failed_verification');
    expect(readManifest(folder).status).toBe('passed');
  });
});
