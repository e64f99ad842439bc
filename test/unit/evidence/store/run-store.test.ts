import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { processIdentity } from '../../../../src/core/process-start.ts';
import { appendToCatalog } from '../../../../src/evidence/store/catalog.ts';
import type { Fact } from '../../../../src/evidence/store/fact.ts';
import { noteLive } from '../../../../src/evidence/store/live-runs.ts';
import { storedRuns } from '../../../../src/evidence/store/run-store.ts';
import type { StoreOptions } from '../../../../src/evidence/store/run-store.ts';
import { writeManifest } from '../../../../src/evidence/run-writer.ts';
import { endedManifest, storeRun, verdictOf } from '../ended-run.ts';
import { temporaryFolder } from '../rows.ts';

const read = (artifacts: string, options?: StoreOptions): readonly Fact[] =>
  [...storedRuns(artifacts, options)].map(({ fact }) => fact);

/** Runs that ended, in several cells; their ids are in order. */
function store(count: number) {
  const artifacts = temporaryFolder();
  const manifests = Array.from({ length: count }, (_, index) => endedManifest({ cell_id: `conc${9 - (index % 3)}` }));
  const folders = manifests.map((manifest) => storeRun(artifacts, manifest));
  return { artifacts, manifests, folders, catalog: join(artifacts, 'catalog.jsonl') };
}

const LONG_AGO = new Date('2026-01-01T00:00:00Z');

/** Other content of the same size at the same time: nobody reads it who relies on the catalogue. */
function damageUnseen(path: string): void {
  writeFileSync(path, 'x'.repeat(statSync(path).size));
  utimesSync(path, LONG_AGO, LONG_AGO);
}

describe('storedRuns', () => {
  it('reads runs of all cells, oldest first, without a catalogue and with the one that it leaves', () => {
    const { artifacts, manifests, folders, catalog } = store(7);
    for (const folder of folders) utimesSync(join(folder, 'manifest.json'), LONG_AGO, LONG_AGO);
    const first = [...storedRuns(artifacts)];
    expect(first.map(({ fact }) => fact['run_id'])).toEqual(manifests.map(({ run_id: id }) => id));
    expect(first.map(({ folder }) => folder)).toEqual(folders);
    expect(readFileSync(catalog, 'utf8').split('\n')).toHaveLength(8);
    for (const folder of folders) damageUnseen(join(folder, 'manifest.json'));
    expect(read(artifacts)).toEqual(first.map(({ fact }) => fact));
    expect(readFileSync(catalog, 'utf8').split('\n')).toHaveLength(8);
  });

  it('reads a run that changed, whoever changed it, and one that is not in the catalogue', () => {
    const { artifacts, manifests, folders, catalog } = store(3);
    read(artifacts);
    writeManifest(folders[1]!, { ...manifests[1]!, verdicts: [verdictOf('ttft_p99')] });
    const added = endedManifest();
    storeRun(artifacts, added);
    expect(read(artifacts)).toMatchObject([{}, { ttft_p99_passed: false }, {}, { run_id: added.run_id }]);
    expect(readFileSync(catalog, 'utf8').split('\n')).toHaveLength(6);
  });

  it('leaves out what runs at this moment, what was deleted, and what its reader knows', () => {
    const { artifacts, manifests, folders } = store(4);
    read(artifacts);
    writeManifest(folders[0]!, { ...manifests[0]!, status: 'running', timestamp_end: null });
    rmSync(folders[1]!, { recursive: true });
    const known = manifests[2]!.run_id;
    expect(read(artifacts, { isKnown: ({ runId }) => runId === known })).toMatchObject([
      { run_id: manifests[3]!.run_id },
    ]);
    expect(read(artifacts)).toHaveLength(2);
  });

  it('tells of runs that never ended and that nobody is at work on', () => {
    const { artifacts, manifests, folders } = store(3);
    for (const [index, folder] of folders.entries()) {
      writeManifest(folder, { ...manifests[index]!, status: 'running', timestamp_end: null });
    }
    const own = processIdentity();
    const note = { labels: [], on: {}, output: null, secrets: {} };
    noteLive(artifacts, { ...note, run_id: manifests[0]!.run_id, folder: folders[0]!, holder: own });
    const dead = { ...own, started: '0' };
    noteLive(artifacts, { ...note, run_id: manifests[1]!.run_id, folder: folders[1]!, holder: dead });
    const told: string[][] = [];
    expect(read(artifacts, { onUnreadable: (...problem) => told.push(problem) })).toEqual([]);
    const gone = 'it never ended, and whoever ran it is gone';
    expect(told).toEqual([
      [folders[1], `${gone} - assay reap marks it, and ends what it left`],
      [folders[2], `${gone} - nobody answers for it`],
    ]);
  });

  it('tells of what it cannot read, and reads the others', () => {
    const { artifacts, folders } = store(5);
    writeFileSync(join(folders[0]!, 'manifest.json'), '{"schema_version"');
    rmSync(join(folders[1]!, 'manifest.json'));
    const copy = join(dirname(folders[2]!), '019b9a9d-03a0-7000-809c-3d431ce87cc7');
    cpSync(folders[2]!, copy, { recursive: true });
    const twin = join(artifacts, 'zz/conc1/0123456789ab', folders[3]!.slice(-36));
    cpSync(folders[3]!, twin, { recursive: true });
    const told: string[] = [];
    expect(read(artifacts, { onUnreadable: (folder) => told.push(folder) })).toHaveLength(3);
    expect(new Set(told)).toEqual(new Set([folders[0], folders[1], copy, twin]));
  });

  it('takes no other folder for a run', () => {
    const { artifacts, folders } = store(1);
    for (const path of ['notes/a/b/c', '.live/a/b/c', 'x.txt']) mkdirSync(join(artifacts, path), { recursive: true });
    writeFileSync(join(dirname(folders[0]!), 'notes.txt'), 'x');
    expect(read(artifacts, { onUnreadable: (folder) => expect(folder).toBe('') })).toHaveLength(1);
    expect(read(join(artifacts, 'not-there'))).toEqual([]);
  });

  it('knows a run by where it is now', () => {
    const { artifacts, folders } = store(1);
    read(artifacts);
    const moved = folders[0]!.replace('/conc9/', '/conc7/');
    mkdirSync(dirname(moved), { recursive: true });
    renameSync(folders[0]!, moved);
    expect(read(artifacts)).toMatchObject([{ path: moved.slice(artifacts.length + 1) }]);
  });

  it.skipIf(process.getuid?.() === 0)('reads a folder that it must not write to', () => {
    const { artifacts, catalog } = store(2);
    chmodSync(artifacts, 0o500);
    expect(read(artifacts)).toHaveLength(2);
    expect(existsSync(catalog)).toBe(false);
    chmodSync(artifacts, 0o700);
  });

  it('says the same whatever became of the catalogue', () => {
    const { artifacts, folders, manifests, catalog } = store(4);
    const old = { run_id: manifests[1]!.run_id, status: 'failed_parse', path: 'x' };
    writeFileSync(catalog, `${JSON.stringify(old)}\n`);
    for (const [index, folder] of folders.entries()) appendToCatalog(artifacts, folder, manifests[index]!);
    const truth = read(artifacts);
    const whole = readFileSync(catalog);
    fc.assert(
      fc.property(fc.nat(whole.length), fc.nat(whole.length), fc.uint8Array({ maxLength: 20 }), (cut, at, noise) => {
        const garbled = Buffer.from(whole);
        garbled.set(noise.subarray(0, whole.length - at), at);
        for (const content of [whole.subarray(0, cut), garbled, Buffer.concat([whole.subarray(0, cut), noise])]) {
          writeFileSync(catalog, content);
          expect(read(artifacts)).toEqual(truth);
          // What it mended is as good as the manifests.
          expect(read(artifacts)).toEqual(truth);
        }
      }),
    );
  });
});
