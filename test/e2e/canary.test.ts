import { beforeAll, describe, expect, it } from 'vitest';
import { checkEvidence } from '../../src/evidence/run-reader.ts';
import { runsOf } from './live-session.ts';
import { ONE_CELL, Project } from './project.ts';
import type { SessionResult } from './project.ts';

/** Three cells, which would run side by side were it not for the canary. */
const WITH_CANARY = `${ONE_CELL.replace('[2]', '[1, 2, 4]')}exclusive: false\ncanary: true\n`;
const REASON = 'canary_failed (the setup of balanced-conc1 failed)';

describe('a canary whose setup fails', () => {
  let project: Project;
  let result: SessionResult;
  beforeAll(async () => {
    project = new Project({ 'configs/quick.yaml': WITH_CANARY.replace('byte-llama.gguf', 'no-such.gguf') });
    result = await project.run();
  });

  const summary = (): string => result.screen.slice(result.screen.indexOf(' Cells, and'));

  it('is the only cell that is launched', () => {
    expect(
      runsOf(project).map(({ manifest }) => [manifest.cell_id, manifest.status, manifest.launches.length]),
    ).toEqual([
      ['balanced-conc1', 'failed_setup', 1],
      ['balanced-conc2', 'skipped', 0],
      ['balanced-conc4', 'skipped', 0],
    ]);
    expect(result.exitCode).toBe(1);
  });

  it('leaves evidence of what was not launched for it', async () => {
    for (const { folder, manifest } of runsOf(project).slice(1)) {
      expect(manifest.skip).toEqual({ reason: 'canary_failed', detail: REASON });
      await checkEvidence(folder, manifest, { hashes: 'all' });
    }
  });

  it('fails its own claims, and skips those of the other cells', () => {
    const statuses = (cell: string) =>
      new Set(result.tests.filter(({ fullName }) => fullName.endsWith(`-${cell}]`)).map(({ status }) => status));
    expect(statuses('conc1')).toEqual(new Set(['failed', 'passed']));
    expect(statuses('conc2')).toEqual(new Set(['skipped']));
    expect(statuses('conc4')).toEqual(new Set(['skipped']));
  });

  it('is told once, with what it spared', () => {
    expect(result.screen).toMatch(
      /- balanced-conc2 +skipped +canary_failed\n - balanced-conc4 +skipped +canary_failed\n/,
    );
    expect(summary()).toContain(`- quick   2 cells skipped: ${REASON}`);
    expect(summary()).toContain(' · 1 launched · 2 skipped · nothing left running');
    expect(result.screen.match(/the run is failed_setup/g)).toHaveLength(1);
  });
});

describe('a canary that comes through', () => {
  it('runs alone, and lets all others run after it', async () => {
    const project = new Project({ 'configs/quick.yaml': WITH_CANARY });
    const { exitCode } = await project.run();
    const [canary, ...others] = runsOf(project).map(({ manifest }) => manifest);
    expect([canary, ...others].map((manifest) => manifest?.status)).toEqual(['passed', 'passed', 'passed']);
    for (const { timestamp_start: start } of others) {
      expect(Date.parse(start)).toBeGreaterThanOrEqual(Date.parse(canary?.timestamp_end ?? ''));
    }
    expect(exitCode).toBe(0);
  });
});
