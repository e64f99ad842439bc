import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { basename, dirname, join } from 'node:path';
import fc from 'fast-check';
import { v7 } from 'uuid';
import { describe, expect, it } from 'vitest';
import { identityText, processIdentity } from '../../../../src/core/process-start.ts';
import { baselineRefs } from '../../../../src/evidence/store/baseline-refs.ts';
import { bytesIn, deleteRun, deleteTrash, findTrash } from '../../../../src/evidence/store/gc-delete.ts';
import { planGc } from '../../../../src/evidence/store/gc.ts';
import type { GcRules } from '../../../../src/evidence/store/gc.ts';
import { STATUSES } from '../../../../src/evidence/failure.ts';
import { readManifest } from '../../../../src/evidence/run-reader.ts';
import { storedRuns } from '../../../../src/evidence/store/run-store.ts';
import type { StoredRun } from '../../../../src/evidence/store/run-store.ts';
import { writeManifest } from '../../../../src/evidence/run-writer.ts';
import { endedManifest, leaveRun } from '../leave-run.ts';
import { temporaryFolder } from '../rows.ts';

const EVERYTHING: GcRules = {
  keepLast: null,
  endedBeforeMs: null,
  keepFailed: false,
  referenced: new Set(),
  isLive: () => false,
};

const COMPLETE = ['passed', 'recorded', 'failed_verification'];
const SOON = 10;

/** Runs, oldest first, of few workloads and with few different ends. */
const anyRuns: fc.Arbitrary<readonly StoredRun[]> = fc
  .array(
    fc.record({
      cell_id: fc.constantFrom('conc1', 'conc2'),
      workload_hash: fc.constantFrom('sha256:a', 'sha256:b'),
      status: fc.constantFrom(...STATUSES.filter((status) => status !== 'running')),
      timestamp_end: fc.option(fc.integer({ min: 0, max: SOON }).map((ms) => new Date(ms).toISOString())),
    }),
    { maxLength: 30 },
  )
  .map((runs) =>
    runs.map((fact, index) => ({
      folder: `/${index}`,
      stamp: '',
      fact: { run_id: `${index}`, test_id: 't', ...fact },
    })),
  );

const anyRules: fc.Arbitrary<GcRules> = fc
  .record({
    keepLast: fc.option(fc.integer({ min: 1, max: 3 })),
    endedBeforeMs: fc.option(fc.integer({ min: 0, max: SOON })),
    keepFailed: fc.boolean(),
    referenced: fc.uniqueArray(fc.nat(29).map(String)).map((ids) => new Set(ids)),
    live: fc.nat(29).map(String),
  })
  .map(({ live, ...rules }) => ({ ...rules, isLive: (runId) => runId === live }));

const statusOf = ({ fact }: StoredRun): string => String(fact['status']);
const idOf = ({ fact }: StoredRun): string => String(fact['run_id']);

/** Why a run must stay, by the words of the manual. */
function mustStay(run: StoredRun, runs: readonly StoredRun[], rules: GcRules): boolean {
  if (rules.isLive(idOf(run)) || rules.referenced.has(idOf(run))) return true;
  if (rules.keepFailed && /^failed_|^interrupted$/.test(statusOf(run))) return true;
  const newer = runs
    .slice(runs.indexOf(run) + 1)
    .filter(
      (other) =>
        COMPLETE.includes(statusOf(other)) &&
        other.fact['cell_id'] === run.fact['cell_id'] &&
        other.fact['workload_hash'] === run.fact['workload_hash'],
    );
  const { keepLast, endedBeforeMs } = rules;
  const isNewest = keepLast !== null && COMPLETE.includes(statusOf(run)) && newer.length < keepLast;
  const endedMs = Date.parse(String(run.fact['timestamp_end']));
  return isNewest || (endedBeforeMs !== null && !(endedMs < endedBeforeMs));
}

describe('planGc', () => {
  it('lets go exactly what no rule keeps', () => {
    fc.assert(
      fc.property(anyRuns, anyRules, (runs, rules) => {
        expect(planGc(runs, rules).goes).toEqual(runs.filter((run) => !mustStay(run, runs, rules)));
      }),
    );
  });

  it('keeps or lets go every run, in order, and finds nothing the second time', () => {
    fc.assert(
      fc.property(anyRuns, anyRules, (runs, rules) => {
        const { goes, stays } = planGc(runs, rules);
        const kept = stays.map(({ run }) => run);
        expect([...goes, ...kept].sort((a, b) => Number(idOf(a)) - Number(idOf(b)))).toEqual(runs);
        expect(planGc(kept, rules).goes).toEqual([]);
      }),
    );
  });

  it('says why a run stays', () => {
    const run = (id: string, status: string): StoredRun => ({
      folder: `/${id}`,
      stamp: '',
      fact: {
        run_id: id,
        test_id: 't',
        cell_id: 'c',
        workload_hash: 'h',
        status,
        timestamp_end: '2026-05-28T00:00:00Z',
      },
    });
    const runs = [
      run('live', 'passed'),
      run('based', 'passed'),
      run('bad', 'failed_setup'),
      run('old', 'passed'),
      run('new', 'passed'),
    ];
    const { goes, stays } = planGc(runs, {
      keepLast: 1,
      endedBeforeMs: null,
      keepFailed: true,
      referenced: new Set(['based']),
      isLive: (runId) => runId === 'live',
    });
    expect(goes.map(idOf)).toEqual(['old']);
    expect(stays.map(({ reason }) => reason)).toEqual(['live', 'in a baseline', 'failed', 'among the newest']);
  });
});

/** The runs of an artifact directory that a test may delete. */
function leaveRuns(count: number): { readonly artifacts: string; readonly runs: readonly StoredRun[] } {
  const artifacts = temporaryFolder();
  for (let index = 0; index < count; index++) leaveRun(artifacts, endedManifest());
  return { artifacts, runs: [...storedRuns(artifacts)] };
}

const trashOf = (folder: string): string => join(dirname(folder), `.trash-${basename(folder)}`);

describe('deleteRun', () => {
  it('deletes that run only, and with the last one the folders above it', async () => {
    const { artifacts, runs } = leaveRuns(2);
    const [first, second] = runs as [StoredRun, StoredRun];
    expect(await deleteRun(artifacts, first)).toEqual({ state: 'deleted' });
    expect([...storedRuns(artifacts)].map(idOf)).toEqual([idOf(second)]);
    expect(readdirSync(dirname(second.folder))).toEqual([basename(second.folder)]);
    await deleteRun(artifacts, second);
    expect(readdirSync(artifacts)).toEqual(['catalog.jsonl']);
  });

  it('changes nothing while a run is only looked at', () => {
    const { artifacts, runs } = leaveRuns(2);
    const paths = () => new Set(readdirSync(artifacts, { recursive: true, encoding: 'utf8' }));
    const before = paths();
    planGc(runs, EVERYTHING);
    findTrash(artifacts);
    expect(runs.map(({ folder }) => bytesIn(folder)).every((bytes) => bytes > 1000)).toBe(true);
    expect(paths()).toEqual(before);
  });

  it('keeps a run that was judged again since it was chosen', async () => {
    const { artifacts, runs } = leaveRuns(1);
    const [run] = runs as [StoredRun];
    writeManifest(run.folder, { ...readManifest(run.folder), status: 'failed_verification' });
    expect(await deleteRun(artifacts, run)).toEqual({ state: 'kept', reason: 'it is failed_verification now' });
    expect(existsSync(join(run.folder, 'manifest.json'))).toBe(true);
  });

  it('takes it for done when others delete the same run at the same time', async () => {
    const { artifacts, runs } = leaveRuns(1);
    const [run] = runs as [StoredRun];
    const all = await Promise.all([1, 2, 3].map(() => deleteRun(artifacts, run)));
    expect(all.map(({ state }) => state === 'deleted' || !existsSync(run.folder))).toEqual([true, true, true]);
    expect(readdirSync(artifacts)).toEqual(['catalog.jsonl']);
  });

  it('follows no link, neither to a run nor out of one', async () => {
    const { artifacts, runs } = leaveRuns(1);
    const [run] = runs as [StoredRun];
    const elsewhere = temporaryFolder();
    const precious = leaveRun(elsewhere, endedManifest({ test_id: 'precious' }));
    symlinkSync(join(elsewhere, 'precious'), join(artifacts, 'precious'));
    symlinkSync(elsewhere, join(run.folder, 'attachments'));
    const [far] = [...storedRuns(elsewhere)];
    const linked = { ...far!, folder: join(artifacts, precious.slice(elsewhere.length)) };
    expect(await deleteRun(artifacts, linked)).toMatchObject({ state: 'kept' });
    expect(await deleteRun(artifacts, { ...far!, folder: precious })).toMatchObject({ state: 'kept' });
    expect(await deleteRun(artifacts, run)).toEqual({ state: 'deleted' });
    expect(readManifest(precious).test_id).toBe('precious');
  });

  it('leaves nothing that readers see when it dies half-way, and what it left goes the next time', async () => {
    const { artifacts, runs } = leaveRuns(2);
    const [first, second] = runs as [StoredRun, StoredRun];
    // What a process leaves that is killed between the renaming and the deletion: it held the lock.
    renameSync(first.folder, trashOf(first.folder));
    const lock = join(dirname(first.folder), `.${basename(first.folder)}.lock`);
    mkdirSync(lock);
    const { pid } = spawnSync(process.execPath, ['--version']);
    writeFileSync(join(lock, `1.0123abcd.${identityText({ ...processIdentity(), pid, started: '1' })}`), '');

    expect([...storedRuns(artifacts)].map(idOf)).toEqual([idOf(second)]);
    expect(findTrash(artifacts)).toEqual([trashOf(first.folder)]);
    expect(await deleteTrash(artifacts, trashOf(first.folder))).toEqual({ state: 'deleted' });
    expect(readdirSync(dirname(second.folder))).toEqual([basename(second.folder)]);
    expect(findTrash(artifacts)).toEqual([]);
  });
});

describe('baselineRefs', () => {
  const baseline = (artifacts: string, name: string, content: string): string => {
    mkdirSync(join(artifacts, 'baselines'), { recursive: true });
    const path = join(artifacts, 'baselines', name);
    writeFileSync(path, content);
    return path;
  };

  it('answers every run of every baseline, whatever else they say', () => {
    const artifacts = temporaryFolder();
    const [one, two] = [v7(), v7()];
    baseline(artifacts, 'may.json', JSON.stringify({ schema_version: '1.0', name: 'may', runs: [one], bounds: {} }));
    baseline(artifacts, 'june.json', JSON.stringify({ schema_version: '1.3', name: 'june', runs: [two] }));
    baseline(artifacts, 'june.json.17.tmp', 'half');
    expect(baselineRefs(artifacts)).toEqual(
      new Map([
        [one, 'may'],
        [two, 'june'],
      ]),
    );
    expect(baselineRefs(temporaryFolder()).size).toBe(0);
  });

  it.each([
    ['half written', '{"schema_version": "1.0", "na', /JSON/],
    ['without its runs', '{"schema_version": "1.0", "name": "x"}', /runs: /],
    ['of a later version', '{"schema_version": "2.0", "name": "x", "runs": []}', /schema_version: is not 1\.x/],
  ])('says of a baseline %s that nobody knows what it needs', (_, content, reason) => {
    const artifacts = temporaryFolder();
    const path = baseline(artifacts, 'bad.json', content);
    expect(() => baselineRefs(artifacts)).toThrow(
      expect.objectContaining({ code: 'EVIDENCE_DAMAGED', message: expect.stringMatching(reason) as string }),
    );
    expect(() => baselineRefs(artifacts)).toThrow(`${path} cannot be read`);
    expect(readFileSync(path, 'utf8')).toBe(content);
  });
});
