import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { TestProject } from 'vitest/node';
import { narrowTestFiles } from '../../../../src/vitest/select/narrow-files.ts';

const ROOT = process.cwd();
const at = (path: string) => join(ROOT, path);
const [latency, memory] = [at('suites/benchmarks/Latency.test.ts'), at('suites/models/memory.test.ts')];

/** A project whose own glob finds a test of the user and one suite file. */
function narrowed(selected: readonly string[], typecheck = { enabled: false, only: false }): TestProject {
  const project = {
    config: { root: ROOT, typecheck },
    vitest: { config: {} },
    globTestFiles: async () => ({ testFiles: [at('tests/own.test.ts'), memory], typecheckTestFiles: [] }),
  } as unknown as TestProject;
  narrowTestFiles(project, { suiteFiles: () => [latency, memory], selectedFiles: () => selected });
  return project;
}

describe('narrowTestFiles', () => {
  it('adds the suite files that hold a selected claim and takes away the others', async () => {
    expect((await narrowed([latency]).globTestFiles()).testFiles).toEqual([at('tests/own.test.ts'), latency]);
  });

  it.each([
    [{ enabled: true, only: true }, false],
    [{ enabled: true, only: false }, true],
    [{ enabled: false, only: true }, true],
  ])('takes away all where only types are checked: %o', async (typecheck, isKept) => {
    expect((await narrowed([latency], typecheck).globTestFiles()).testFiles.includes(latency)).toBe(isKept);
  });

  it('asks for what is selected whenever files are looked for', async () => {
    const selected: string[] = [];
    const project = narrowed(selected);
    expect((await project.globTestFiles()).testFiles).not.toContain(memory);
    selected.push(memory);
    expect((await project.globTestFiles()).testFiles).toContain(memory);
  });

  it.each([
    ['benchmarks/latency', true],
    ['LATENCY', true],
    ['./suites/benchmarks', true],
    ['suites/benchmarks/', true],
    [at('suites/benchmarks'), true],
    ['suites/models', false],
    [at('suites/models'), false],
  ])('keeps a suite file for the file filter %s: %s', async (filter, isKept) => {
    expect((await narrowed([latency]).globTestFiles([filter])).testFiles.includes(latency)).toBe(isKept);
  });

  it.each([
    ['suites/benchmarks/**', ['suites/models/a [1].test.ts', '../shared/models/b.test.ts']],
    ['**/a*.test.ts', ['../shared/models/b.test.ts']],
    // As for Vitest, a glob that does not begin above the root is about what is in it.
    ['**/models/**', ['suites/benchmarks/a.test.ts', '../shared/models/b.test.ts']],
    ['../shared/**', ['suites/benchmarks/a.test.ts', 'suites/models/a [1].test.ts']],
    // Suites of a package may lie in there, and are named by `suites`.
    [
      '**/node_modules/**',
      ['suites/benchmarks/a.test.ts', 'suites/models/a [1].test.ts', '../shared/models/b.test.ts'],
    ],
  ])('leaves out what --exclude "%s" matches', async (glob, kept) => {
    const suites = ['suites/benchmarks/a.test.ts', 'suites/models/a [1].test.ts', '../shared/models/b.test.ts'];
    const root = join(mkdtempSync(join(tmpdir(), 'excluding-')), 'root');
    const files = suites.map((suite) => join(root, suite));
    for (const file of files) {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, '');
    }
    const project = {
      config: { root, typecheck: {} },
      vitest: { config: { cliExclude: [glob] } },
      globTestFiles: async () => ({ testFiles: [], typecheckTestFiles: [] }),
    } as unknown as TestProject;
    narrowTestFiles(project, { suiteFiles: () => files, selectedFiles: () => files });
    expect((await project.globTestFiles()).testFiles).toEqual(kept.map((suite) => join(root, suite)));
  });
});
