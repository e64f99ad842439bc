import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { asDeclared, isDeclared } from '../../../../src/vitest/claims/claim.ts';
import type { Claims } from '../../../../src/vitest/claims/claim.ts';
import { claims } from '../../../../src/vitest/claims/claims.ts';
import { suitesIn } from '../../../../src/vitest/claims/read-suite.ts';
import type { SuiteReading } from '../../../../src/vitest/claims/read-suite.ts';
import { readAs, suite, suitesFolder } from './written-suites.ts';

const folder = suitesFolder();
const PATH = 'benchmarks/own.test.ts';
const here = (path = PATH) => relative(process.cwd(), join(folder, path));

/** What is wrong with a file that imports to this. */
async function problemsOf(load: () => Promise<unknown>, { path = PATH, text }: { path?: string; text?: string } = {}) {
  return messageOf([await readAs(folder, path, { load, ...(text === undefined ? {} : { text }) })]);
}

function messageOf(readings: readonly SuiteReading[]): string {
  try {
    suitesIn(readings);
    return '';
  } catch (thrown) {
    return (thrown as Error).message;
  }
}

const exporting = (value: unknown) => async () => ({ default: value });
const failing = (error: unknown) => async () => Promise.reject(error);
const check = () => undefined;

describe('a suite file', () => {
  it('is read with its tier and its claims', async () => {
    const read = await suite(folder, 'models/byte-llama.test.ts', { a: { check } });
    expect(read).toMatchObject({ file: join(folder, 'models/byte-llama.test.ts'), tier: 6, claims: { a: { check } } });
  });

  it('is refused outside of the tiers, before it is loaded', async () => {
    const load = () => Promise.reject(new Error('was loaded'));
    const next = `move it to one of logistics, training, inference, frameworks, benchmarks, models under ${folder}`;
    for (const path of ['elsewhere/own.test.ts', 'own.test.ts']) {
      expect(await problemsOf(load, { path })).toBe(
        `${here(path)}:1:16 lies in no tier folder - ${next}\n1 problem in 1 suite file. Nothing was launched.`,
      );
    }
  });

  it('is refused without claims', async () => {
    expect(await problemsOf(async () => ({}))).toContain(
      `${here()}:1:16 has no default export - write \`export default claims({ ... })\``,
    );
    expect(await problemsOf(exporting({ a: { check } }))).toContain(
      `${here()}:1:16 its default export was not made by claims() - write`,
    );
  });

  it('is refused for every claim that cannot be a test', async () => {
    const text = `export default claims({\n  fine: {},\n  'two words': {},\n  empty: {},\n  tagged: {},\n});\n`;
    const declared = {
      fine: { check, tags: ['Slow Start'] },
      'two words': { check },
      empty: {},
      tagged: { check, tags: ['ok', '!', 'and'] },
    };
    expect(await problemsOf(exporting(asDeclared(declared as unknown as Claims)), { text })).toBe(
      `${here()}:3:3 two words: the name "two words" is no plain word - write \`two_words\`
${here()}:4:3 empty: has no check - write \`check: ({ run, expect }) => ...\`
${here()}:5:3 tagged: "!" is no tag - write a word that --tags-filter can name, such as \`slow\`
${here()}:5:3 tagged: "and" is no tag - write a word that --tags-filter can name, such as \`slow\`
4 problems in 1 suite file. Nothing was launched.`,
    );
  });

  it('tells what is wrong together with what is wrong with others', async () => {
    const readings = [
      await readAs(folder, 'models/b.test.ts', { load: async () => ({}) }),
      await readAs(folder, 'benchmarks/a.test.ts', { load: async () => ({}) }),
    ];
    expect(
      messageOf(readings)
        .split('\n')
        .map((line) => line.split(' ')[0]),
    ).toEqual([`${here('benchmarks/a.test.ts')}:1:16`, `${here('models/b.test.ts')}:1:16`, '2']);
  });
});

describe('a suite file that cannot be imported', () => {
  const place = join(folder, 'benchmarks/dep.ts');
  const thrownAt = (message: string, frame: string) =>
    Object.assign(new Error(message), { stack: `Error: ${message}\n${frame}` });
  it.each([
    [
      'a syntax error as rolldown tells it',
      new Error(
        `Transform failed with 1 error:\n\n\u001b[31m[PARSE_ERROR] \u001b[0mUnexpected token\n   ╭─[ ${place}:4:15 ]\n`,
      ),
      `${here('benchmarks/dep.ts')}:4:15 cannot be loaded: Unexpected token`,
    ],
    [
      'a syntax error as esbuild tells it',
      new Error(`Transform failed with 1 error:\n${place}:4:15: ERROR: Expected ")" but found "}"`),
      `${here('benchmarks/dep.ts')}:4:15 cannot be loaded: Expected ")" but found "}"`,
    ],
    [
      'a missing file',
      thrownAt(
        `Failed to load url ./no.ts (resolved id: ./no.ts) in /x. Does the file exist?`,
        `    at invoke (file:///a/node_modules/vite/runner.js:5:1)\n    at ${place}:2:1`,
      ),
      `${here('benchmarks/dep.ts')}:2:1 cannot be loaded: it imports ./no.ts, which is not there`,
    ],
    [
      'a missing package',
      thrownAt(
        `Cannot find package 'no-such' imported from '/x/own.test.ts'`,
        '    at invoke (/a/node_modules/b.js:5:1)',
      ),
      `${here()}:1:16 cannot be loaded: it imports no-such, which is not there`,
    ],
    [
      'code that throws',
      thrownAt('x is undefined', `    at make (file://${place}:4:20)\n    at run (/a/node_modules/b.js:1:1)`),
      `${here('benchmarks/dep.ts')}:4:20 cannot be loaded: x is undefined`,
    ],
    ['no error at all', 'text', `${here()}:1:16 cannot be loaded: text`],
  ])('is one line with its place: %s', async (_what, thrown, line) => {
    expect((await problemsOf(failing(thrown))).split('\n')[0]).toBe(
      `${line} - mend it; suites are read before anything runs`,
    );
  });
});

describe('claims()', () => {
  it('answers what it was given, as nothing else is declared', () => {
    const declared = claims({ a: { check } });
    expect(declared).toEqual({ a: { check } });
    expect([declared, { a: { check } }, null, 'claims'].map(isDeclared)).toEqual([true, false, false, false]);
  });
});
