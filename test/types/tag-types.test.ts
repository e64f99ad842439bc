import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { expect, it } from 'vitest';
import { writeTagTypes } from '../../src/vitest/claims/tag-types.ts';

const MODULES = fileURLToPath(new URL('../../node_modules', import.meta.url));

/** What the compiler says of a file in a project of its own: the tags of one narrow those of every file. */
async function compiled(source: string, tags: readonly string[]) {
  const root = mkdtempSync(join(tmpdir(), 'assay-tag-types-'));
  mkdirSync(join(root, 'node_modules'));
  symlinkSync(join(MODULES, 'vitest'), join(root, 'node_modules/vitest'));
  const options = { strict: true, noEmit: true, skipLibCheck: true, module: 'nodenext', types: [] };
  writeFileSync(join(root, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, include: ['*.ts'] }));
  writeFileSync(join(root, 'package.json'), '{"type": "module"}');
  writeFileSync(join(root, 'a.ts'), source);
  writeTagTypes(join(root, 'assay-tags.d.ts'), tags);
  const { stdout } = await execa(process.execPath, [join(MODULES, 'typescript/bin/tsc'), '-p', root], {
    reject: false,
    cwd: root,
  });
  return stdout.split('\n').filter((line) => line.startsWith('a.ts'));
}

const SOURCE = `import { test } from 'vitest';
test('right', { tags: ['tier_5', 'framework_llama_cpp'] }, () => {});
test('wrong', { tags: ['tier_6'] }, () => {});
`;

it('makes a misspelt tag an error, wherever it is used', async () => {
  const errors = await compiled(SOURCE, ['framework_llama_cpp', 'tier_5']);
  expect(errors).toEqual([expect.stringMatching(/^a\.ts\(3,\d+\): error /)]);
});

it('narrows nothing while there are no tags', async () => {
  expect(await compiled(SOURCE, [])).toEqual([]);
});
