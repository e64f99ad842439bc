import { mkdtempSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createVitest } from 'vitest/node';
import type { Reporter, TestModule, Vitest } from 'vitest/node';
import { readFilters } from '../../src/vitest/select/filters.ts';
import type { Filters } from '../../src/vitest/select/filters.ts';
import { onNamePattern } from '../../src/vitest/select/name-pattern.ts';
import { narrowTestFiles } from '../../src/vitest/select/narrow-files.ts';
import { TOOLCHAIN } from './toolchain.ts';

const root = realpathSync(mkdtempSync(join(tmpdir(), 'assay-pattern-')));
symlinkSync(dirname(TOOLCHAIN.vitest), join(root, 'node_modules'));
writeFileSync(
  join(root, 'own.test.mjs'),
  `import { describe, test } from 'vitest';\ndescribe('a suite', () => { test('adds', () => {}); test('is not [vllm]', () => {}); });\n`,
);
writeFileSync(
  join(root, 'claims.test.mjs'),
  `import { test } from 'vitest';\ntest('ttft_p99[vllm-tiny-conc4]', () => {});\ntest('lifecycle[vllm-tiny-conc4]', () => {});\n`,
);

const passed: string[] = [];
const collector: Reporter = {
  onTestRunEnd: (modules: readonly TestModule[]) => {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    passed.push(...tests.filter((test) => test.result().state === 'passed').map(({ name }) => name));
  },
};
/** What Vitest calls for the `t` key; absent if a release renames it. */
const press = async (typed: string): Promise<void> => {
  const { changeNamePattern } = vitest as unknown as { changeNamePattern: (typed: string) => Promise<void> };
  await changeNamePattern(typed);
};

let told = '';
let vitest: Vitest;
let seen: Filters[];
/** Whether anything in the file of claims is selected. */
let isSelected = false;
beforeAll(async () => {
  const options = { config: false as const, root, watch: true, include: ['*.test.mjs'], reporters: [collector] };
  vitest = await createVitest('test', options);
  vitest.logger.log = (line: string) => void (told += line);
  const [project] = vitest.projects;
  if (project === undefined) throw new Error('no project');
  const claims = join(root, 'claims.test.mjs');
  narrowTestFiles(project, { suiteFiles: () => [claims], selectedFiles: () => (isSelected ? [claims] : []) });
  onNamePattern(vitest, async () => {
    const filters = readFilters(vitest, project, ['framework_vllm']);
    seen.push(filters);
    const { byName } = filters;
    isSelected = byName.kind === 'all' || (byName.kind === 'words' && byName.words.includes('framework_vllm'));
  });
  await vitest.start();
});
beforeEach(() => {
  passed.length = 0;
  seen = [];
  told = '';
});
afterAll(() => vitest.close());

describe('the t key', () => {
  it('has the claims selected anew before their files run, those never loaded before too', async () => {
    await press('conc4 framework_vllm');
    expect(seen).toEqual([{ byName: { kind: 'words', words: ['conc4', 'framework_vllm'] }, byTags: null }]);
    expect(passed.sort()).toEqual(['lifecycle[vllm-tiny-conc4]', 'ttft_p99[vllm-tiny-conc4]']);
  });

  it('wants all words of a plain test, in any order, those of its suite too', async () => {
    await press('adds suite');
    expect(passed).toEqual(['adds']);
    expect(seen).toHaveLength(1);
  });

  it('is read the same by every project, and lets through the claims of all', async () => {
    await press('ttft conc4');
    const [project] = vitest.projects;
    expect(project && readFilters(vitest, project, ['framework_sglang'])).toEqual(seen[0]);
    const pattern = vitest.getGlobalTestNamePattern();
    expect(['a[vllm-x]', 'a[sglang-x]', 'a[other-x]'].filter((name) => pattern?.test(name))).toHaveLength(2);
  });

  it('keeps a regular expression as Vitest has it', async () => {
    // Vitest 5 has a " > " between the names.
    await press('^a suite (?!.*adds)');
    expect(passed).toEqual(['is not [vllm]']);
  });

  it('tells a mistake, runs nothing, and leaves what stood before', async () => {
    const before = vitest.getGlobalTestNamePattern();
    await press('conc(1');
    expect(told).toContain('Unterminated group\nNothing was run again; press t to type another pattern.');
    expect(passed).toEqual([]);
    expect(vitest.getGlobalTestNamePattern()).toEqual(before);
  });

  it('with nothing typed, as for the a key, runs everything', async () => {
    await press('');
    expect(seen).toEqual([{ byName: { kind: 'all' }, byTags: null }]);
    expect(passed).toHaveLength(4);
  });
});
