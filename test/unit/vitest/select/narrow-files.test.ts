import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { TestProject } from 'vitest/node';
import { narrowTestFiles } from '../../../../src/vitest/select/narrow-files.ts';

const ROOT = process.cwd();
const at = (path: string) => join(ROOT, path);
const [latency, memory] = [at('suites/benchmarks/Latency.test.ts'), at('suites/models/memory.test.ts')];

/** A project whose own glob finds a test of the user and one suite file. */
function narrowed(selected: readonly string[]): TestProject {
  const project = {
    config: { root: ROOT },
    globTestFiles: async () => ({ testFiles: [at('tests/own.test.ts'), memory], typecheckTestFiles: [] }),
  } as unknown as TestProject;
  narrowTestFiles(project, { suiteFiles: () => [latency, memory], selectedFiles: () => selected });
  return project;
}

describe('narrowTestFiles', () => {
  it('adds the suite files that hold a selected claim and takes away the others', async () => {
    expect((await narrowed([latency]).globTestFiles()).testFiles).toEqual([at('tests/own.test.ts'), latency]);
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
});
