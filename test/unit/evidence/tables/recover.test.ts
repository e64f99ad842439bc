import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { samplesTable, trajectoryTable } from '../../../../src/evidence/tables/column-schema.ts';
import { wholeBatches } from '../../../../src/evidence/tables/recover.ts';
import { captured, point, sample, temporaryFolder } from '../rows.ts';

/** The steps of every batch that can be recovered, and what was dropped. */
function recover(path: string): { readonly batches: readonly string[]; readonly droppedBytes: number } {
  const stream = wholeBatches(path);
  const batches: string[] = [];
  for (;;) {
    const next = stream.next();
    if (next.done) return { batches, droppedBytes: next.value.droppedBytes };
    batches.push(String(next.value.getChild('step')));
  }
}

/** The same where the first message may be beyond recognition. */
function recoverOrRefuse(path: string): readonly string[] {
  try {
    return recover(path).batches;
  } catch (error) {
    expect(error).toMatchObject({ code: 'EVIDENCE_DAMAGED' });
    return [];
  }
}

/** A table so narrow that every byte of its stream can be tried. */
const narrowTable = { ...trajectoryTable, columns: trajectoryTable.columns.filter(({ name }) => name === 'step') };

/** A stream of three batches and the sizes of the file after its header and after each batch. */
async function threeBatches(folder: string) {
  const sizes: number[] = [];
  const parts = [[], [1, 2], [3], [4, 5, 6]];
  for (let count = 1; count <= parts.length; count += 1) {
    const path = join(folder, `prefix-${count}.arrows`);
    await captured(
      path,
      narrowTable,
      parts.slice(0, count).map((steps) => steps.map((step) => point({ step }))),
    );
    sizes.push(readFileSync(path).length - END_BYTES);
  }
  return { bytes: readFileSync(join(folder, 'prefix-4.arrows')), sizes };
}

const END_BYTES = 8;
const BATCHES = ['[1,2]', '[3]', '[4,5,6]'];

describe('wholeBatches', () => {
  it('yields everything of a stream that was closed', async () => {
    const path = join(temporaryFolder(), 'trajectory.arrows');
    await captured(path, trajectoryTable, [[point({ step: 1 })], [point({ step: 2 })]]);
    expect(recover(path)).toEqual({ batches: ['[1]', '[2]'], droppedBytes: 0 });
  });

  it('yields exactly the whole batches of a stream that was cut anywhere', { timeout: 60_000 }, async () => {
    const folder = temporaryFolder();
    const { bytes, sizes } = await threeBatches(folder);
    const path = join(folder, 'cut.arrows');
    for (let length = 0; length <= bytes.length; length += 1) {
      writeFileSync(path, bytes.subarray(0, length));
      const whole = sizes.filter((size) => size <= length);
      const kept = length === bytes.length ? length : (whole.at(-1) ?? 0);
      expect(recover(path), `cut to ${length} bytes`).toEqual({
        batches: BATCHES.slice(0, Math.max(0, whole.length - 1)),
        droppedBytes: length - kept,
      });
    }
  });

  it(
    'yields the batches before the damage and no other row, whichever byte is damaged',
    { timeout: 60_000 },
    async () => {
      const folder = temporaryFolder();
      const { bytes, sizes } = await threeBatches(folder);
      const path = join(folder, 'damaged.arrows');
      const [header = 0, ...ends] = sizes;
      for (let at = 0; at < (ends.at(-1) ?? 0); at += 1) {
        const damaged = Buffer.from(bytes);
        damaged[at] = (damaged[at] ?? 0) ^ (1 << (at % 8));
        writeFileSync(path, damaged);
        const before = ends.filter((end) => end <= at).length;
        expect(at < header ? recoverOrRefuse(path) : recover(path).batches, `byte ${at}`).toEqual(
          BATCHES.slice(0, before),
        );
      }
    },
  );

  it('keeps lists, texts and nulls apart by batch', async () => {
    const path = join(temporaryFolder(), 'samples.arrows');
    await captured(path, samplesTable, [
      [sample({ itlsMs: [1, 2], error: null }), sample({ itlsMs: [], error: 'x' })],
      [sample({ itlsMs: [3], error: 'longer' })],
    ]);
    const rows = [...wholeBatches(path)].flatMap((batch) => batch.toArray());
    expect(rows.map((row) => `${row['itls_ms']} ${row['error']}`)).toEqual(['[1,2] null', '[] x', '[3] longer']);
  });

  it('names a stream that is not there', () => {
    const path = join(temporaryFolder(), 'samples.arrows');
    expect(() => wholeBatches(path).next()).toThrow(
      expect.objectContaining({ code: 'EVIDENCE_MISSING', message: expect.stringContaining(path) as string }),
    );
  });

  it('names a file that is no stream', () => {
    const path = join(temporaryFolder(), 'samples.arrows');
    writeFileSync(path, 'this is not an Arrow stream');
    expect(() => wholeBatches(path).next()).toThrow(
      expect.objectContaining({ code: 'EVIDENCE_DAMAGED', message: expect.stringContaining(path) as string }),
    );
  });
});
