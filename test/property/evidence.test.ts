import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { AssayError } from '../../src/core/errors.ts';
import { markInterrupted } from '../../src/evidence/interrupted.ts';
import { listLive, noteLive } from '../../src/evidence/store/live-runs.ts';
import { loadTables } from '../../src/evidence/tables/load-tables.ts';
import { wholeBatches } from '../../src/evidence/tables/recover.ts';
import { checkEvidence, readEvents, readManifest, sidecarPaths } from '../../src/evidence/run-reader.ts';
import { storedRuns } from '../../src/evidence/store/run-store.ts';
import { processIdentity } from '../../src/core/process-start.ts';
import { endedRun, interruptedRun, liveRun, ROWS } from '../durability/stored-run.ts';
import type { StoredFolder } from '../durability/stored-run.ts';
import { temporaryFolder } from '../unit/evidence/rows.ts';

// What a file that was cut short says to those who read it. "Damaged" is the error EVIDENCE_DAMAGED with the file in it.
//
// | file                      | read by          | cut at any byte                                                      |
// | ------------------------- | ---------------- | -------------------------------------------------------------------- |
// | manifest.json             | readManifest     | damaged; without its last line break it is still whole               |
// | events.jsonl, live run    | readEvents       | the whole lines before the cut                                       |
// | events.jsonl, ended run   | readEvents       | damaged                                                              |
// | *.parquet                 | loadTables       | damaged                                                              |
// | *.arrows                  | wholeBatches     | the whole batches before the cut, and how many bytes were dropped    |
// | any file that is listed   | checkEvidence    | damaged: without hashes by its size, with them whatever was changed  |
// | events, *.arrows, logs    | markInterrupted  | kept as far as they go; the run is `interrupted`, its evidence whole |
// | manifest.json, live run   | markInterrupted  | damaged                                                              |
// | catalog.jsonl             | storedRuns       | no difference: the manifests say the same                            |
// | a note of a live run      | listLive         | left out                                                             |

const FLIPS = 300;
const CUTS = 150;

/** Has a file cut to so many bytes while it is used. */
async function whileCut(path: string, length: number, use: () => unknown): Promise<void> {
  await whileHolding(path, readFileSync(path).subarray(0, length), use);
}

async function whileHolding(path: string, content: Buffer, use: () => unknown): Promise<void> {
  const whole = readFileSync(path);
  try {
    writeFileSync(path, content);
    await use();
  } finally {
    writeFileSync(path, whole);
  }
}

/** Every length that a file can be cut to. */
function lengthsOf(path: string): readonly number[] {
  return Array.from(readFileSync(path), (_, length) => length);
}

/** Some of them, and those at both ends. */
function someLengthsOf(path: string): fc.Arbitrary<number> {
  const { length } = readFileSync(path);
  return fc.oneof(
    fc.nat(length - 1),
    fc.nat(Math.min(20, length - 1)),
    fc.nat(19).map((short) => Math.max(0, length - 1 - short)),
  );
}

/** What a reader says is damaged; fails for any other outcome. */
async function damageIn(read: () => unknown): Promise<string> {
  const thrown = await Promise.resolve()
    .then(read)
    .then(
      () => new Error('nothing was noticed'),
      (error: unknown) => error,
    );
  expect(thrown).toBeInstanceOf(AssayError);
  expect(thrown).toMatchObject({ code: 'EVIDENCE_DAMAGED' });
  return (thrown as AssayError).message;
}

describe('evidence that was cut short', { timeout: 120_000 }, () => {
  let ended: StoredFolder;
  let interrupted: StoredFolder;
  let live: StoredFolder;
  beforeAll(async () => {
    [ended, interrupted, live] = await Promise.all([endedRun(), interruptedRun(), liveRun()]);
  });

  it('is whole before it is cut', async () => {
    for (const { folder } of [ended, interrupted]) await checkEvidence(folder, readManifest(folder), { hashes: 'all' });
    expect(sidecarPaths(ended.folder)).toEqual([
      'attachments/result.json',
      'config.resolved.yaml',
      'events.jsonl',
      'logs/server.localhost.log',
      'samples.parquet',
      'trajectory.parquet',
      expect.stringMatching(/^verifications\//),
    ]);
    expect(sidecarPaths(interrupted.folder)).toEqual(expect.arrayContaining(['samples.arrows', 'trajectory.arrows']));
    const { samples, series } = await loadTables(ended.folder);
    expect([samples?.rows, series[0]?.steps.length]).toEqual([ROWS, ROWS]);
  });

  it('is noticed in a manifest', async () => {
    const path = join(ended.folder, 'manifest.json');
    const whole = readManifest(ended.folder);
    const lengths = lengthsOf(path);
    for (const length of lengths) {
      await whileCut(path, length, async () => {
        if (length === lengths.length - 1) expect(readManifest(ended.folder)).toEqual(whole);
        else expect(await damageIn(() => readManifest(ended.folder))).toContain(path);
      });
    }
  });

  it('is noticed in the events of a run that ended, and costs a live one what came behind it', async () => {
    const path = join(ended.folder, 'events.jsonl');
    for (const length of lengthsOf(path))
      await whileCut(path, length, async () => expect(await damageIn(() => readEvents(ended.folder))).toContain(path));
    const livePath = join(live.folder, 'events.jsonl');
    const all = readEvents(live.folder);
    for (const length of lengthsOf(livePath)) {
      await whileCut(livePath, length, () => {
        const lines = readFileSync(livePath, 'utf8').split('\n').length - 1;
        expect(readEvents(live.folder)).toEqual(all.slice(0, lines));
      });
    }
  });

  it.each(['samples.parquet', 'trajectory.parquet'])('is noticed in %s', async (name) => {
    const path = join(ended.folder, name);
    await fc.assert(
      fc.asyncProperty(someLengthsOf(path), (length) =>
        whileCut(path, length, async () => expect(await damageIn(() => loadTables(ended.folder))).toContain(path)),
      ),
      { numRuns: CUTS },
    );
  });

  it.each(['samples.arrows', 'trajectory.arrows'])('costs %s the batch that was cut, and is counted', async (name) => {
    const path = join(live.folder, name);
    const whole = readFileSync(path);
    const header = PREFIX_BYTES + whole.readInt32LE(4);
    const batch = whole.length - PREFIX_BYTES;
    for (const length of lengthsOf(path)) {
      await whileCut(path, length, () => {
        const kept = [batch, header, 0].find((end) => end <= length) ?? 0;
        const expected = { rows: kept === batch ? ROWS : 0, droppedBytes: length - kept };
        expect(recovered(path), `cut to ${length}`).toEqual(expected);
      });
    }
  });

  it('is noticed in every file that a manifest lists, without hashes too', async () => {
    for (const { folder } of [ended, interrupted]) {
      const manifest = readManifest(folder);
      for (const name of sidecarPaths(folder)) {
        const path = join(folder, name);
        await fc.assert(
          fc.asyncProperty(someLengthsOf(path), fc.constantFrom('none', 'figures', 'all'), (length, hashes) =>
            whileCut(path, length, async () =>
              expect(await damageIn(() => checkEvidence(folder, manifest, { hashes }))).toContain(path),
            ),
          ),
          { numRuns: CUTS / 5 },
        );
      }
    }
  });

  it('is noticed where it changed no length: one bit of any file', async () => {
    const { folder } = ended;
    const manifest = readManifest(folder);
    const anyBit = fc
      .constantFrom(...sidecarPaths(folder))
      .chain((name) =>
        fc.record({ name: fc.constant(name), at: fc.nat(readFileSync(join(folder, name)).length - 1), bit: fc.nat(7) }),
      );
    await fc.assert(
      fc.asyncProperty(anyBit, async ({ name, at, bit }) => {
        const path = join(folder, name);
        const flipped = readFileSync(path);
        flipped[at] = (flipped[at] ?? 0) ^ (1 << bit);
        await whileHolding(path, flipped, async () =>
          expect(await damageIn(() => checkEvidence(folder, manifest, { hashes: 'all' }))).toContain(path),
        );
      }),
      { numRuns: FLIPS },
    );
  });

  it('makes no difference to the rows of an export, where it is the catalogue that was cut', async () => {
    const path = join(ended.artifacts, 'catalog.jsonl');
    const facts = (): readonly unknown[] => [...storedRuns(ended.artifacts)].map(({ fact }) => fact);
    const whole = facts();
    expect(whole).toHaveLength(1);
    await fc.assert(
      fc.asyncProperty(someLengthsOf(path), (length) => whileCut(path, length, () => expect(facts()).toEqual(whole))),
      { numRuns: CUTS },
    );
  });

  it('leaves a run out of an export, with the reason, where it is the manifest that was cut', async () => {
    const path = join(ended.folder, 'manifest.json');
    await fc.assert(
      fc.asyncProperty(fc.nat(lengthsOf(path).length - 3), (length) =>
        whileCut(path, length, () => {
          const told: string[] = [];
          const onUnreadable = (folder: string, reason: string): void => void told.push(`${folder}: ${reason}`);
          expect([...storedRuns(ended.artifacts, { onUnreadable })]).toEqual([]);
          expect(told).toEqual([expect.stringContaining(path)]);
        }),
      ),
      { numRuns: CUTS },
    );
  });

  it('is no part of the end of a run that died', async () => {
    const names = ['events.jsonl', 'samples.arrows', 'trajectory.arrows', 'logs/server.localhost.log'];
    const anyCut = fc
      .constantFrom(...names)
      .chain((name) => fc.record({ name: fc.constant(name), length: someLengthsOf(join(live.folder, name)) }));
    const copies = temporaryFolder();
    let count = 0;
    await fc.assert(
      fc.asyncProperty(anyCut, async ({ name, length }) => {
        count += 1;
        const folder = join(copies, String(count));
        cpSync(live.folder, folder, { recursive: true });
        writeFileSync(join(folder, name), readFileSync(join(folder, name)).subarray(0, length));
        expect(await markInterrupted(folder, { reason: 'cut', orphans: 0, unconfirmed: [] })).toBe('interrupted');
        const manifest = readManifest(folder);
        await checkEvidence(folder, manifest, { hashes: 'all' });
        expect(manifest.status).toBe('interrupted');
        expect(readEvents(folder).at(-1)).toMatchObject({ event: 'attempt.interrupted', reason: 'cut' });
      }),
      { numRuns: CUTS },
    );
  });

  it('is told by whoever ends a run that died, where it is its manifest that was cut', async () => {
    const path = join(live.folder, 'manifest.json');
    const end = (): Promise<unknown> => markInterrupted(live.folder, { reason: 'cut', orphans: 0, unconfirmed: [] });
    await fc.assert(
      fc.asyncProperty(fc.nat(lengthsOf(path).length - 3), (length) =>
        whileCut(path, length, async () => expect(await damageIn(end)).toContain(path)),
      ),
      { numRuns: CUTS },
    );
  });

  it('leaves out the note of a live run', async () => {
    const { artifacts, folder } = live;
    noteLive(artifacts, {
      run_id: 'cut',
      labels: [],
      folder,
      on: {},
      holder: processIdentity(),
      output: null,
      secrets: {},
    });
    const path = join(artifacts, '.live', 'cut.json');
    expect(listLive(artifacts)).toHaveLength(1);
    for (const length of lengthsOf(path)) await whileCut(path, length, () => expect(listLive(artifacts)).toEqual([]));
  });
});

/** Before every message, and all there is of the one that ends a stream. */
const PREFIX_BYTES = 8;

function recovered(path: string): { readonly rows: number; readonly droppedBytes: number } {
  const stream = wholeBatches(path);
  let rows = 0;
  let next = stream.next();
  for (; !next.done; next = stream.next()) rows += next.value.numRows;
  return { rows, droppedBytes: next.value.droppedBytes };
}
