import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { amendRun } from '../../src/evidence/amend-run.ts';
import { checkEvidence, readManifest } from '../../src/evidence/run-reader.ts';
import { readVerification } from '../../src/evidence/verification.ts';
import { ONE_CELL, Project } from './project.ts';
import type { SessionResult } from './project.ts';

const TWO_CELLS = ONE_CELL.replace('concurrency: [2]', 'concurrency: [1, 2]');
const STRICT = TWO_CELLS.replace('value: 60000', 'value: 0.001');
const OTHER_SEED = TWO_CELLS.replace('seed: 1', 'seed: 2');

/** A project with stored runs of two cells. */
async function storedRuns() {
  const project = new Project({ 'configs/quick.yaml': TWO_CELLS });
  const { launched, exitCode } = await project.run('--tags-filter', 'tier_5');
  expect({ launched: launched.length, exitCode }).toEqual({ launched: 2, exitCode: 0 });
  return { project, stored: launched };
}

/** A further session of a project, as a person starts it who sets the variable. */
async function rerun(project: Project, reuse: string): Promise<SessionResult> {
  vi.stubEnv('ASSAY_REUSE', reuse);
  return project.run('--tags-filter', 'tier_5');
}
afterEach(() => void vi.unstubAllEnvs());

const outcomesOf = ({ tests }: SessionResult): Readonly<Record<string, string>> =>
  Object.fromEntries(tests.map(({ fullName, status }) => [fullName.replace(/\[.*-(\w+)\]/, ' $1'), status]));

/** What stands on the screen between empty lines. */
const blocksOf = ({ screen }: SessionResult): readonly (readonly string[])[] =>
  screen.split(/\n\n+/).map((block) => block.split('\n'));

describe('only a threshold changed', () => {
  let project: Project;
  let stored: readonly string[];
  let result: SessionResult;
  beforeAll(async () => {
    ({ project, stored } = await storedRuns());
    project.write('configs/quick.yaml', STRICT);
    result = await rerun(project, 'only');
  });

  it('judges the stored runs by it, and launches nothing', () => {
    expect(outcomesOf(result)).toEqual({
      'throughput conc1': 'passed',
      'throughput conc2': 'passed',
      'ttft_p99 conc1': 'failed',
      'ttft_p99 conc2': 'failed',
    });
    expect(result.exitCode).toBe(1);
    expect(result.launched).toEqual([]);
    expect(project.runFolders()).toEqual(stored.toSorted());
  });

  it('says so', () => {
    const [conc1 = ''] = stored;
    expect(result.screen).toContain('reuse only');
    expect(result.screen).toMatch(
      new RegExp(`↺ \\S*conc1 +reused +${basename(conc1).slice(0, 13)} of \\S+, judged again: thresholds changed`),
    );
    expect(result.screen).toContain('2 reused · 0 launched');
    expect(readFileSync(join(project.root, 'report.json'), 'utf8')).toContain('"reused":true');
    expect(result.screen).toContain('nothing had to be launched: no hashed input changed');
  });

  it('names the threshold once, with the cells that it turned', () => {
    expect(blocksOf(result)).toContainEqual([
      expect.stringMatching(/^ 2 runs re-judged in \S+ (?:ms|s), nothing launched$/),
      '   ttft_p99  threshold 60000 -> 0.001 ms',
      expect.stringMatching(/^ {5}balanced-conc1  passed -> failed  margin \+\S+ -> -\S+$/),
      expect.stringMatching(/^ {5}balanced-conc2  passed -> failed  margin \+\S+ -> -\S+$/),
    ]);
  });

  it('keeps both judgements, and evidence that is whole', async () => {
    for (const folder of stored) {
      const manifest = readManifest(folder);
      expect(manifest.status).toBe('failed_verification');
      expect(manifest.verifications.map(({ status }) => status)).toEqual(['passed', 'failed_verification']);
      await checkEvidence(folder, manifest, { hashes: 'all' });
    }
  });

  it('passes again when the threshold is what it was', async () => {
    project.write('configs/quick.yaml', TWO_CELLS);
    const again = await rerun(project, 'only');
    expect(again).toMatchObject({ exitCode: 0, launched: [] });
    expect(blocksOf(again)).toContainEqual([
      expect.stringMatching(/^ 2 runs re-judged in \S+ (?:ms|s), nothing launched$/),
      '   ttft_p99  threshold 0.001 -> 60000 ms',
      expect.stringMatching(/^ {5}balanced-conc1  failed -> passed  margin -\S+ -> \+\S+$/),
      expect.stringMatching(/^ {5}balanced-conc2  failed -> passed  margin -\S+ -> \+\S+$/),
    ]);
  });
});

describe('a hashed input of one cell changed', () => {
  it('launches that cell alone where stored runs are preferred, and says which field it was', async () => {
    const { project, stored } = await storedRuns();
    project.write('configs/quick.yaml', TWO_CELLS.replace('[1, 2]', '[1, 4]'));
    const { screen, launched, exitCode } = await rerun(project, 'prefer');
    expect(exitCode).toBe(0);
    expect(launched).toHaveLength(1);
    expect(readManifest(launched[0] ?? '').cell_id).toBe('balanced-conc4');
    expect(screen).toContain('balanced-conc4 launched: no run of this cell, nearest is');
    expect(screen).toContain('params.concurrency: 2 -> 4');
    expect(screen).toContain('1 reused · 1 launched · 0 skipped');
    expect(readManifest(stored[0] ?? '').verifications).toHaveLength(1);
  });

  it('skips it with the reason where only stored runs are judged: no verdict, and nothing is left', async () => {
    const { project, stored } = await storedRuns();
    project.write('configs/quick.yaml', OTHER_SEED);
    const { screen, launched, exitCode, tests } = await rerun(project, 'only');
    expect(tests.map(({ status }) => status)).toEqual(tests.map(() => 'skipped'));
    expect(screen).toContain('quick   2 cells skipped: not_cached (seed: 1 -> 2)');
    expect(screen).toContain('no verdict: all 2 cells were skipped - not_cached (seed: 1 -> 2)');
    expect({ launched, exitCode }).toEqual({ launched: [], exitCode: 3 });
    expect(project.runFolders()).toEqual(stored.toSorted());
  });
});

// Five launches in four sessions.
describe('a damaged stored run', { timeout: 120_000 }, () => {
  it('is passed over, and the cell launched where the plugin prefers stored runs', async () => {
    const { project, stored } = await storedRuns();
    project.write(
      'vitest.config.js',
      `import { assay } from 'vitest-assay';\nexport default { plugins: [assay({ reuse: 'prefer' })] };\n`,
    );
    rmSync(join(stored[0] ?? '', 'samples.parquet'));
    const { screen, launched, exitCode } = await project.run('--tags-filter', 'tier_5');
    expect({ launched: launched.length, exitCode }).toEqual({ launched: 1, exitCode: 0 });
    expect(screen).toMatch(/! \S*conc1 +\S+ is passed over: samples\.parquet is missing/);
    expect(screen).toMatch(/○ \S*conc1 +no reuse +no run of this workload is complete \(1 damaged\)/);
    expect(screen).toMatch(/conc1 launched: no run of this workload is complete \(1\s+damaged\)/);
    const again = await project.run('--tags-filter', 'tier_5');
    expect(again.launched).toEqual([]);
    expect(again.screen).toContain('nothing had to be launched: no hashed input changed');
    expect((await rerun(project, 'off')).launched).toHaveLength(2);
  });
});

const LOG = 'logs/server.localhost.log';

describe('the shipped claims on a stored run', () => {
  let project: Project;
  let folder: string;
  let fresh: Readonly<Record<string, string>>;
  beforeAll(async () => {
    project = new Project({ 'configs/quick.yaml': ONE_CELL });
    const session = await project.run();
    folder = session.launched[0] ?? '';
    fresh = outcomesOf(session);
    vi.stubEnv('ASSAY_REUSE', 'only');
  });

  /** What is said otherwise of the stored run than of the fresh one. */
  async function differences(config = ONE_CELL): Promise<readonly string[]> {
    vi.stubEnv('ASSAY_REUSE', 'only');
    project.write('configs/quick.yaml', config);
    const session = await project.run();
    expect(session.launched).toEqual([]);
    const outcomes = outcomesOf(session);
    expect(Object.keys(outcomes).toSorted()).toEqual(Object.keys(fresh).toSorted());
    return Object.keys(fresh).filter((name) => outcomes[name] !== fresh[name]);
  }

  it('say what they said of the fresh one, however often it was judged otherwise since', async () => {
    expect(await differences(ONE_CELL.replace('value: 60000', 'value: 0.001'))).toEqual(['ttft_p99 conc2']);
    expect(await differences()).toEqual([]);
  });

  it('fail where a later catalogue finds in its logs what would have ended the run', async () => {
    await amendRun(folder, async (manifest) => {
      const last = manifest.verifications.at(-1)!;
      writeFileSync(join(folder, LOG), 'Segmentation fault (core dumped)\n');
      const before = { ...readVerification(folder, last), patterns: 'sha256:other' };
      writeFileSync(join(folder, last.file), JSON.stringify(before));
      return { manifest, files: { [LOG]: null, [last.file]: null } };
    });
    const failed = await differences(ONE_CELL.replace('value: 60000', 'value: 59999'));
    expect(readManifest(folder).status).toBe('failed_pattern');
    expect(failed).toEqual(expect.arrayContaining(['log_clean conc2', 'throughput conc2', 'ttft_p99 conc2']));
  });

  it('hold for one that a later parser read', async () => {
    await amendRun(folder, async (manifest) => {
      writeFileSync(join(folder, LOG), 'ready\n');
      const { verify: _, ...phases } = manifest.phases;
      const parse = { ...manifest.phases.parse!, status: 'failed' as const };
      const reparses = [{ reparsed_at: manifest.timestamp_start, tool_version: '9' }];
      // In the order in which they were.
      const { teardown, ...before } = phases;
      const read = { ...manifest, reparses, phases: { ...before, parse, teardown: teardown! } };
      return { manifest: { ...read, status: 'passed', failure: null }, files: { [LOG]: null } };
    });
    expect(await differences()).toEqual([]);
  });
});

describe('a word that is no mode', () => {
  it('is refused before anything runs', async () => {
    const project = new Project({ 'configs/quick.yaml': ONE_CELL });
    const { screen, launched } = await rerun(project, 'maybe');
    expect(screen).toContain('ASSAY_REUSE=maybe: stored runs are reused off, prefer or only');
    expect(launched).toEqual([]);
  });
});
