import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, it } from 'vitest';
import { version as ofTests } from 'vitest/node';
import compat from '../compat/vitest.config.ts';
import { COMMAND, NODE, ONE_CELL, Project, REPOSITORY } from './project.ts';
import { TOOLCHAIN } from './toolchain.ts';

const { node, vitest } = TOOLCHAIN.versions;

/** Notes in which Node, by which Vitest, and beside which Vitest for the plugin it was started. */
const CONFIG = `import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { assay } from 'vitest-assay';
const ofPlugin = createRequire(fileURLToPath(import.meta.resolve('vitest-assay')))('vitest/package.json').version;
const noted = { configureVitest: ({ vitest }) => writeFileSync('main.json', JSON.stringify({
  node: process.versions.node, vitest: vitest.version, ofPlugin })) };
export default { plugins: [assay(), { name: 'noted', ...noted }], test: { include: ['own.test.js'] } };
`;
const OWN_TEST = `import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { it } from 'vitest';
it('own', () => writeFileSync('worker.json', JSON.stringify({
  node: process.versions.node, vitest: createRequire(import.meta.url)('vitest/package.json').version })));
`;

function pins(folder: string) {
  const path = join(REPOSITORY, folder, 'package.json');
  return JSON.parse(readFileSync(path, 'utf8')) as Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** What is pinned for this run of the tests, and not what they were told to use. */
function pinned() {
  if (process.env['ASSAY_TEST_TOOLCHAIN'] === undefined) {
    return { vitest: pins('.')['devDependencies']?.['vitest'], nodes: [process.versions.node] };
  }
  const { dependencies, optionalDependencies } = pins('test/compat');
  return { vitest: dependencies?.['vitest'], nodes: Object.values(optionalDependencies ?? {}) };
}

it(`these tests drive Vitest ${vitest} on Node ${node}: its main process, its workers, the plugin in it and what tests import`, async () => {
  expect(vitest).toBe(pinned().vitest);
  expect(pinned().nodes).toContain(node);
  expect(ofTests).toBe(vitest);
  const project = new Project({
    'configs/quick.yaml': ONE_CELL,
    'vitest.config.js': CONFIG,
    'own.test.js': OWN_TEST,
  });
  const noted = (file: string): unknown => JSON.parse(readFileSync(join(project.root, file), 'utf8'));
  expect((await project.vitest('run', '-t', 'own')).exitCode).toBe(0);
  expect(noted('main.json')).toEqual({ node, vitest, ofPlugin: vitest });
  expect(noted('worker.json')).toEqual({ node, vitest });
  project.write('main.json', '{}');
  const plan = await execa(NODE, [COMMAND, 'plan'], { cwd: project.root });
  expect(plan.stdout).toContain('1 cell');
  expect(noted('main.json')).toEqual({ node, vitest, ofPlugin: vitest });
});

it('no other test of this folder goes past it, unless it is left out of the runs with another Vitest', () => {
  const past = /process\.execPath|REPOSITORY, '(?:dist|node_modules\/vitest)/;
  const leftOut = new Set([...(compat.test?.exclude ?? []), 'test/e2e/toolchain.ts', 'test/e2e/toolchain.test.ts']);
  const files = readdirSync(import.meta.dirname).map((name) => `test/e2e/${name}`);
  const driving = files.filter((file) => file.endsWith('.ts') && !leftOut.has(file));
  expect(driving).toContain('test/e2e/slicing.test.ts');
  expect(driving.filter((file) => past.test(readFileSync(join(REPOSITORY, file), 'utf8')))).toEqual([]);
});
