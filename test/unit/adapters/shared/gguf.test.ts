import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeGguf, type GgufContent } from '../../../../src/adapters/shared/gguf.ts';
import { readGguf } from './gguf-reader.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'assay-gguf-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function reread(content: GgufContent): ReturnType<typeof readGguf> {
  const path = join(folder, 'file.gguf');
  await writeFile(path, encodeGguf(content));
  return readGguf(path);
}

describe('encodeGguf', () => {
  it('writes metadata of every type so that an independent reader finds the same values', async () => {
    const { info } = await reread({
      metadata: {
        'general.architecture': { type: 'string', value: 'llama' },
        'test.count': { type: 'uint32', value: 4_294_967_295 },
        'test.ratio': { type: 'float32', value: 0.5 },
        'test.yes': { type: 'bool', value: true },
        'test.no': { type: 'bool', value: false },
        'test.text': { type: 'string', value: 'Größe ▁' },
        'test.signed': { type: 'int32[]', value: [-1, 0, 2_147_483_647] },
        'test.floats': { type: 'float32[]', value: [-1.25, 3] },
        'test.strings': { type: 'string[]', value: ['', 'a', '▁'] },
      },
      tensors: [],
    });
    expect(info.version).toBe(3);
    expect(info.metadata).toMatchObject({
      general: { architecture: 'llama' },
      test: {
        count: 4_294_967_295,
        ratio: 0.5,
        yes: true,
        no: false,
        text: 'Größe ▁',
        signed: [-1, 0, 2_147_483_647],
        floats: [-1.25, 3],
        strings: ['', 'a', '▁'],
      },
    });
  });

  it('lists the innermost dimension first', async () => {
    const { tensors } = await reread({
      metadata: {},
      tensors: [{ name: 'linear', shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) }],
    });
    expect(tensors).toMatchObject([{ dimensions: [3, 2], data: Float32Array.of(1, 2, 3, 4, 5, 6) }]);
  });

  it('places any tensors where the reader finds their values, each at a multiple of 32 bytes', async () => {
    const values = fc.array(fc.float({ noNaN: true }), { minLength: 1, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(fc.array(values, { maxLength: 5 }), fc.string(), async (contents, note) => {
        const written = contents.map((data, index) => ({
          name: `t${index}`,
          shape: [data.length],
          data: Float32Array.from(data),
        }));
        const { tensors } = await reread({
          metadata: { note: { type: 'string', value: note } },
          tensors: written,
        });
        expect(tensors.map(({ name, data }) => ({ name, data }))).toEqual(
          written.map(({ name, data }) => ({ name, data })),
        );
        expect(tensors.every(({ start }) => start % 32 === 0)).toBe(true);
      }),
      { numRuns: 25 },
    );
  });

  it('refuses a tensor whose values do not fill its shape', () => {
    const tensors = [{ name: 'short', shape: [2, 2], data: Float32Array.of(1, 2, 3) }];
    expect(() => encodeGguf({ metadata: {}, tensors })).toThrow('tensor short has 3 values, its shape [2, 2] needs 4');
  });
});
