import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkDigest, checkIsGguf } from '../../../../src/adapters/llama-cpp/model-file.ts';

let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'assay-model-file-'));
  await writeFile(join(folder, 'good.gguf'), 'GGUF and more');
  await writeFile(join(folder, 'text.gguf'), '#!/bin/sh');
  await writeFile(join(folder, 'empty.gguf'), '');
});

afterAll(() => rm(folder, { recursive: true }));

describe('checkIsGguf', () => {
  it('passes a file that begins as one', async () => {
    await expect(checkIsGguf(join(folder, 'good.gguf'))).resolves.toBeUndefined();
  });

  it.each([
    ['missing.gguf', 'missing.gguf cannot be read: ENOENT'],
    ['.', 'cannot be read: EISDIR'],
    ['text.gguf', 'text.gguf is no GGUF file: it starts with "#!/b"'],
    ['empty.gguf', 'empty.gguf is no GGUF file: it starts with ""'],
  ])('refuses %s', async (name, problem) => {
    await expect(checkIsGguf(join(folder, name))).rejects.toThrow(problem);
  });
});

describe('checkDigest', () => {
  const sha256 = createHash('sha256').update('GGUF and more').digest('hex');

  it('passes the right digest and no digest', async () => {
    await expect(checkDigest(join(folder, 'good.gguf'), sha256)).resolves.toBeUndefined();
    await expect(checkDigest(join(folder, 'good.gguf'), undefined)).resolves.toBeUndefined();
  });

  it('refuses another one and says both', async () => {
    const other = '0'.repeat(64);
    await expect(checkDigest(join(folder, 'good.gguf'), other)).rejects.toThrow(
      `sha256:${sha256}, expected sha256:${other}`,
    );
  });
});
