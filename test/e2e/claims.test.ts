import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { Project, QUICK_CONFIG, REPOSITORY } from './project.ts';

/** The suite that docs/claims.md shows, by the path that its first line names. */
function documentedSuite(): { readonly path: string; readonly text: string } {
  const page = readFileSync(join(REPOSITORY, 'docs/claims.md'), 'utf8');
  const [, path = '', text = ''] = /```ts\n\/\/ (\S+)\n([\s\S]*?)```/.exec(page) ?? [];
  return { path, text };
}

const own = documentedSuite();
const configs = (suites: string) =>
  `import { assay } from 'vitest-assay';
export default { plugins: [assay({ suites: ${suites}, tagTypes: 'assay-tags.d.ts' })], test: { include: [] } };\n`;

let project: Project;
beforeAll(() => {
  project = new Project({
    'configs/quick.yaml': QUICK_CONFIG.replace('[1, 2, 4]', '[1, 2]').replace(/ +- \{isl: 32.*\n/, ''),
    'vitest.config.js': configs(`['builtin', 'suites']`),
    [own.path]: own.text,
  });
});

describe('the suite of docs/claims.md', () => {
  it('is registered for the cells that it is about, and judges them', async () => {
    const { tests, launched, exitCode, screen } = await project.run('-t', 'tier_5');
    const passed = tests.filter(({ status }) => status === 'passed').map(({ fullName }) => fullName);
    const cells = (claim: string) =>
      passed.filter((name) => name.startsWith(`${claim}[`)).map((name) => name.slice(-6));
    expect(screen).not.toContain('FAIL');
    expect(cells('ttft_under_load')).toEqual(['conc2]']);
    expect(cells('no_slow_tail')).toEqual(['conc1]', 'conc2]']);
    expect(launched).toHaveLength(2);
    expect(exitCode).toBe(0);
  });

  it('is selected by a tag of its own, which TypeScript knows as well', async () => {
    const { tests } = await project.run('--tags-filter', 'under_load');
    expect(tests.map(({ fullName }) => fullName.split('[')[0])).toEqual(['ttft_under_load']);
    const types = readFileSync(join(project.root, 'assay-tags.d.ts'), 'utf8');
    expect(types).toContain(`| "under_load"`);
    expect(types).toContain(`| "framework_llama_cpp"`);
  });
});

describe('suites with mistakes', () => {
  it('are told at once with their places, and nothing runs', async () => {
    const broken = new Project({
      'configs/quick.yaml': QUICK_CONFIG,
      'vitest.config.js': configs(`['builtin', 'mine', 'yours']`),
      'mine/benchmarks/a.test.js': `import { claims } from 'vitest-assay/claims';
export default claims({
  twice: { check: () => {} },
  'two words': { check: () => {} },
});\n`,
      'yours/benchmarks/b.test.js': `import { claims } from 'vitest-assay/claims';
import './missing.js';
export default claims({ twice: { check: () => {} } });\n`,
      'yours/other/c.test.js': `export default {};\n`,
    });
    const { screen, launched, exitCode } = await broken.run();
    expect(screen).toContain('mine/benchmarks/a.test.js:4:3');
    expect(screen).toContain('the name "two words" is no plain word');
    expect(screen).toMatch(/yours\/benchmarks\/b\.test\.js\S* cannot be loaded: it imports \.\/missing\.js/);
    expect(screen).toMatch(/yours\/other\/c\.test\.js\S* lies in no tier folder/);
    expect(launched).toEqual([]);
    expect(exitCode).toBe(1);
  });

  it('tell of two claims that would have one name', async () => {
    const clash = new Project({
      'configs/quick.yaml': QUICK_CONFIG,
      'vitest.config.js': configs(`['builtin', 'mine']`),
      'mine/benchmarks/mine.test.js': `import { claims } from 'vitest-assay/claims';
export default claims({
  throughput: { check: () => {} },
});\n`,
    });
    const { screen, exitCode } = await clash.run();
    expect(screen).toContain('mine/benchmarks/mine.test.js:3:3');
    expect(screen).toContain('makes a claim of this name about quick/balanced-conc1 too');
    expect(exitCode).toBe(1);
  });
});
