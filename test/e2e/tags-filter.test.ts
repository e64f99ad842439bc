import { mkdirSync, mkdtempSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { beforeAll, describe, expect, it } from 'vitest';
import { holdsFor, parseTagFilter } from '../../src/vitest/select/tag-filter.ts';
import { NODE } from './project.ts';
import { TOOLCHAIN } from './toolchain.ts';

const known = ['a', 'b', 'knob_x', 'knob.y', 'demand', 'größe'];
/** Every set of the tags is carried by one test, which is called by them. */
const sets = Array.from({ length: 2 ** known.length }, (_, bits) =>
  known.filter((_tag, bit) => (bits >> bit) % 2 === 1),
);

const meaningful = [
  'a',
  'a or b and knob_x',
  'a and b or knob_x',
  'not a and b',
  'not (a or b)',
  'not not a or !b',
  '!(a||b)&&!knob_x',
  'NOT a AND (b Or knob_x)',
  'knob*',
  'knob.*',
  '*e*',
  '*',
  'demand and größe',
  '((a))or b',
  ' \ta  and\tb ',
  '(a and b)or demand',
];
const refused = ['not(a)', 'not!a', 'a and(b)', 'a b', 'a!b', 'a and not', 'x*', 'a and\nb'];

const TESTS = `import { inject, test } from 'vitest';
for (const tags of inject('sets')) test(\`<\${tags.join()}>\`, { tags }, () => {});
`;

/** Runs one file of tests for each expression; one that is refused leaves no test in its file. */
const ASK = `import { resolve } from 'node:path';
import { createVitest } from 'vitest/node';
const { known, sets, expressions, isolate } = JSON.parse(process.argv[2]);
const tags = known.map((name) => ({ name }));
const vitest = await createVitest('test', { config: false, watch: false, isolate, reporters: [{}], tags });
const [project] = vitest.projects;
project.provide('sets', sets);
const specifications = expressions.map((expression, index) =>
  project.createSpecification(resolve(index + '.test.mjs'), { testTagsFilter: [expression] }),
);
const { testModules } = await vitest.runTestSpecifications(specifications);
const answers = expressions.map((expression, index) => {
  const module = testModules.find(({ moduleId }) => moduleId === resolve(index + '.test.mjs'));
  const tests = [...(module?.children.allTests() ?? [])];
  const passed = tests.filter((test) => test.result().state === 'passed').map(({ name }) => name);
  return [expression, tests.length === 0 ? null : passed];
});
await vitest.close();
process.stdout.write(JSON.stringify(Object.fromEntries(answers)));
process.exit(0);
`;

/** The names of the tests that Vitest finds with an expression, or null when it refuses it. */
let byVitest: Readonly<Record<string, readonly string[] | null>>;

beforeAll(async () => {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'assay-tags-')));
  mkdirSync(join(root, 'node_modules'));
  symlinkSync(TOOLCHAIN.vitest, join(root, 'node_modules/vitest'));
  writeFileSync(join(root, 'ask.mjs'), ASK);
  const ask = async (expressions: readonly string[], isolate: boolean) => {
    for (const index of expressions.keys()) writeFileSync(join(root, `${index}.test.mjs`), TESTS);
    const question = JSON.stringify({ known, sets, expressions, isolate });
    const env = { NO_COLOR: '1', CI: 'true' };
    const { stdout } = await execa(NODE, ['ask.mjs', question], { cwd: root, env });
    return JSON.parse(stdout.slice(stdout.lastIndexOf('\n') + 1)) as typeof byVitest;
  };
  // What refuses an expression ends the worker's whole run.
  byVitest = { ...(await ask(meaningful, false)), ...(await ask(refused, true)) };
});

describe('a tag expression', () => {
  it.each(meaningful)('%j means here what it means to Vitest', (expression) => {
    const conditions = parseTagFilter([expression], known);
    const passing = sets.filter((tags) =>
      conditions.every((one) => holdsFor(one, ({ matching }) => tags.some((tag) => matching.has(tag)))),
    );
    expect(byVitest[expression]).toEqual(passing.map((tags) => `<${tags.join()}>`));
  });

  it.each(refused)('%j is refused here as it is by Vitest', (expression) => {
    expect(byVitest[expression]).toBeNull();
    expect(() => parseTagFilter([expression], known)).toThrow();
  });
});
