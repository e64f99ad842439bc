import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { globSync } from 'tinyglobby';
import { describe, expect, it } from 'vitest';
import { frameworks } from '../../../../src/session/registry.ts';
import { asDeclared } from '../../../../src/vitest/claims/claim.ts';
import type { Claims } from '../../../../src/vitest/claims/claim.ts';
import { checkSuites } from '../../../../src/vitest/claims/check-suites.ts';
import type { Suite } from '../../../../src/vitest/claims/suite.ts';
import { cellsOf, demoCells, suite, suitesFolder } from './written-suites.ts';
import { readSuite, suitesIn } from '../../../../src/vitest/claims/read-suite.ts';

const folder = suitesFolder();
const here = (path: string) => relative(process.cwd(), join(folder, path));
const specs = frameworks.map(({ spec }) => spec);
const cells = cellsOf(demoCells());
const check = () => undefined;

function checkAll(suites: readonly Suite[], isNarrowed = false): void {
  checkSuites(suites, { cells, specs, isNarrowed });
}

/** By the claims() of this very source, whatever the package was built from. */
async function declaredIn(file: string) {
  const module = (await import(file)) as { readonly default: Claims };
  return { default: asDeclared(module.default) };
}

describe('checkSuites', () => {
  it('finds nothing wrong with the suites that come with the package', async () => {
    const builtin = fileURLToPath(new URL('../../../../suites', import.meta.url));
    const files = globSync('**/*.test.ts', { cwd: builtin, absolute: true });
    const readings = await Promise.all(
      files.map((file) => readSuite({ folder: builtin, file }, () => declaredIn(file))),
    );
    expect(files.length).toBeGreaterThan(5);
    expect(() => checkAll(suitesIn(readings))).not.toThrow();
  });

  it('refuses two claims of one name about one cell, with both places', async () => {
    const suites = [
      await suite(folder, 'benchmarks/a.test.ts', { other: { check }, twice: { check } }),
      await suite(folder, 'logistics/b.test.ts', { twice: { check } }),
    ];
    expect(() => checkAll(suites)).toThrow(
      `${here('logistics/b.test.ts')}:2:3 twice: ${here('benchmarks/a.test.ts')}:3:3 makes a claim of this name about demo/conc1 too - rename one of them, or tell them apart with \`when\`\n1 problem in 1 suite file.`,
    );
  });

  it('lets files share a name that are about different cells', async () => {
    const suites = [
      await suite(folder, 'frameworks/llama-cpp.test.ts', { knobs: { check } }),
      await suite(folder, 'frameworks/vllm.test.ts', { knobs: { check } }),
      await suite(folder, 'benchmarks/one.test.ts', { level: { when: ({ cellId }) => cellId === 'conc1', check } }),
      await suite(folder, 'logistics/two.test.ts', { level: { when: ({ cellId }) => cellId === 'conc2', check } }),
    ];
    expect(() => checkAll(suites)).not.toThrow();
  });

  it('refuses a file that is called after no framework', async () => {
    const suites = [
      await suite(folder, 'frameworks/llamacpp.test.ts', { one: { check } }),
      await suite(folder, 'frameworks/rhymer.test.ts', { two: { check } }),
      await suite(folder, 'frameworks/pytorch_xdit.test.ts', { three: { check } }),
      await suite(folder, 'models/llamacpp.test.ts', { four: { check } }),
    ];
    const names = specs.map(({ name }) => name).join(', ');
    expect(() => checkAll(suites, true)).toThrow(
      [
        `${here('frameworks/llamacpp.test.ts')}:1:16 is about the framework "llamacpp", by its name, and there is none such - did you mean \`llama_cpp.test.ts\`?`,
        `${here('frameworks/rhymer.test.ts')}:1:16 is about the framework "rhymer", by its name, and there is none such - call it after one of ${names}`,
        '2 problems in 2 suite files.',
      ].join('\n'),
    );
  });

  it('refuses a misspelt benchmark, unless the command line left configs out', async () => {
    const suites = [
      await suite(folder, 'benchmarks/c.test.ts', {
        slip: { benchmark: 'tfft_p99', check },
        right: { benchmark: 'ttft_p99', check },
        // Another config may ask for it.
        foreign: { benchmark: 'answers_in_rhyme', check },
        // No config here asks for it, and a framework has it.
        possible: { benchmark: 'tpot_p99', check },
      }),
    ];
    expect(() => checkAll(suites)).toThrow(
      `${here('benchmarks/c.test.ts')}:2:3 slip: judges the benchmark tfft_p99, which no config asks for and no framework has - did you mean \`ttft_p99\`?\n1 problem in 1 suite file.`,
    );
    expect(() => checkAll(suites, true)).not.toThrow();
  });
});
