import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { dump, load } from 'js-yaml';
import { globSync } from 'tinyglobby';
import { describe, expect, it } from 'vitest';
import type { Cell } from '../../src/config/cell.ts';
import { identify } from '../../src/config/identity.ts';
import { loadConfigs } from '../../src/config/load.ts';
import type { LoadedConfigs } from '../../src/config/load.ts';
import { frameworks } from '../../src/session/registry.ts';
import { DEMO_CONFIG } from '../unit/demo-config.ts';

type Mapping = Record<string, unknown>;

const root = mkdtempSync(join(tmpdir(), 'assay-property-'));
const specs = frameworks.map(({ spec }) => spec);

function loadText(text: string): LoadedConfigs {
  writeFileSync(join(root, 'a.yaml'), text);
  return loadConfigs(['a.yaml'], { root, specs, env: {}, overrides: [] });
}

/** Every problem has a place inside the text, says what is wrong and what to do. */
function expectLocated(text: string, { problems }: LoadedConfigs): void {
  const lines = text.split(/\r\n|\r|\n/).length;
  for (const { file, line, column, message, hint } of problems) {
    expect(file).toBe('a.yaml');
    expect(line).toBeGreaterThanOrEqual(1);
    expect(line).toBeLessThanOrEqual(lines);
    expect(column).toBeGreaterThanOrEqual(1);
    expect(message).not.toBe('');
    expect(hint).not.toBe('');
  }
}

const shippedFolder = new URL('../../configs', import.meta.url).pathname;
const shipped = globSync('**/*.yaml', { cwd: shippedFolder, absolute: true, ignore: ['**/*.cluster.yaml'] })
  .filter((file) => !file.endsWith('.thresholds.yaml'))
  .map((file) => {
    const config = load(readFileSync(file, 'utf8')) as Mapping;
    const beside = file.replace(/\.yaml$/, '.thresholds.yaml');
    if (config['thresholds'] !== undefined) return config;
    return { ...config, thresholds: (load(readFileSync(beside, 'utf8')) as Mapping)['thresholds'] };
  });
const valid = fc.constantFrom(...shipped, load(DEMO_CONFIG) as Mapping);

const hashes = (cells: readonly Cell[]): ReadonlyMap<string, unknown> =>
  new Map(
    cells.map((cell) => [
      cell.cellId,
      identify(cell, {
        bindings: { server: ['n1'] },
        launchVersion: 1,
        engine: null,
        imageDigest: null,
        files: null,
        verdictEngineVersion: 1,
        patterns: [],
      }),
    ]),
  );

/** The same data with the keys of every mapping in another order. */
function shuffled(value: unknown, random: () => number): unknown {
  if (Array.isArray(value)) return value.map((item) => shuffled(item, random));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, item]) => ({ key, item: shuffled(item, random), rank: random() }));
  return Object.fromEntries(entries.toSorted((a, b) => a.rank - b.rank).map(({ key, item }) => [key, item]));
}

describe('identity', () => {
  it('does not depend on the order in which the fields of a config are written', () => {
    fc.assert(
      fc.property(valid, fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })), (config, ranks) => {
        const written = loadText(dump(config)).cells;
        const other = loadText(dump(shuffled(config, () => ranks.next().value as number))).cells;
        // Axes in another order make other ids of the same cells.
        const sorted = (cells: readonly Cell[]) =>
          [...hashes(cells).values()].map((identity) => JSON.stringify(identity)).toSorted();
        expect(sorted(other)).toEqual(sorted(written));
      }),
      { numRuns: 200 },
    );
  });

  it('of a cell stays what it is when an axis gets one more value', () => {
    const values = fc.uniqueArray(fc.integer({ min: 1, max: 500 }), { minLength: 2, maxLength: 6 });
    fc.assert(
      fc.property(values, fc.boolean(), ([added = 0, ...others], isFirst) => {
        const sweep = (concurrency: readonly number[]) => ({ concurrency, isl: [8, 16] });
        const config = load(DEMO_CONFIG) as Mapping;
        const { isl: _isl, ...params } = config['params'] as Mapping;
        const plan = (concurrency: readonly number[]) =>
          hashes(loadText(dump({ ...config, params, sweep: sweep(concurrency) })).cells);
        const few = plan(others);
        const more = plan(isFirst ? [added, ...others] : [...others, added]);
        expect(few.size).toBe(others.length * 2);
        expect(more.size).toBe(few.size + 2);
        for (const [id, identity] of few) {
          const { configHash: _now, ...now } = more.get(id) as Mapping;
          const { configHash: _before, ...before } = identity as Mapping;
          expect(now).toEqual(before);
        }
      }),
      { numRuns: 100 },
    );
  });
});

/** The paths of everything inside a document. */
function pathsOf(value: unknown, path: readonly (string | number)[] = []): readonly (readonly (string | number)[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  const entries = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return [path, ...entries.flatMap(([key, item]) => pathsOf(item, [...path, key]))];
}

type Change = { readonly kind: 'remove' } | { readonly kind: 'rename'; readonly to: string } | Put;
interface Put {
  readonly kind: 'put';
  readonly value: unknown;
}

function changed(target: unknown, path: readonly (string | number)[], change: Change): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return change.kind === 'put' ? change.value : target;
  if (Array.isArray(target)) {
    const index = Number(step);
    if (rest.length === 0 && change.kind !== 'put') return target.toSpliced(index, 1);
    return target.with(index, changed(target[index], rest, change));
  }
  return Object.fromEntries(
    Object.entries(target as Mapping).flatMap(([key, item]) => {
      if (key !== step) return [[key, item]];
      if (rest.length > 0 || change.kind === 'put') return [[key, changed(item, rest, change)]];
      return change.kind === 'remove' ? [] : [[change.to, item]];
    }),
  );
}

const odd = fc.oneof(
  fc.constantFrom<unknown>(null, '', 'x', '16', 'yes', 0, -1, 1, 1.5, 2 ** 53, 1e9, true, false, [], {}, [1], ['a'], {
    a: 1,
  }),
  fc.constantFrom<unknown>('__proto__', '<changeme>', '${env:NOWHERE}', 'a b', '../..', [[]], [{}], { roles: {} }),
  fc.jsonValue({ maxDepth: 2 }),
);
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.constant({ kind: 'remove' as const }),
  fc.record({
    kind: fc.constant('rename' as const),
    to: fc.constantFrom('x', 'names', '__proto__', 'isl', 'tp', 'kind'),
  }),
  fc.record({ kind: fc.constant('put' as const), value: odd }),
);

describe('a mutated config', () => {
  it('loads to what it says, or has a problem with a place', () => {
    fc.assert(
      fc.property(valid, fc.nat(), change, (config, pick, one) => {
        const paths = pathsOf(config);
        const mutant = changed(config, paths[pick % paths.length] ?? [], one);
        const text = dump(mutant);
        const loaded = loadText(text);
        expectLocated(text, loaded);
        if (loaded.problems.length > 0) return;
        expect(loaded.cells.length).toBeGreaterThan(0);
        const { params = {} } = mutant as { readonly params?: Mapping };
        for (const cell of loaded.cells) {
          expect(cell.params).toMatchObject(params);
          for (const [axis, value] of Object.entries(cell.axes)) {
            if (axis in cell.params) expect(cell.params[axis]).toBe(value);
          }
        }
      }),
      { numRuns: 3000 },
    );
  });
});

const words = fc.oneof(
  fc.constantFrom(
    'schema_version',
    'test_id',
    'framework',
    'topology',
    'roles',
    'params',
    'sweep',
    'thresholds',
    'when',
  ),
  fc.constantFrom('kind', 'metric', 'vllm', 'megatron', 'llama_cpp', 'isl', 'concurrency', 'tp', 'knobs', '"2"', '16'),
  fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ':',
    ': ',
    ', ',
    '- ',
    '\n',
    '\n  ',
    '\n    ',
    '\t',
    '&a',
    '*a',
    '<<',
    '|',
    '>',
    '#',
  ),
  fc.constantFrom(
    '"',
    "'",
    '!!str',
    '? ',
    '.nan',
    '9007199254740993',
    '${env:X}',
    '<changeme>',
    '\u0000',
    '\r\n',
    '---',
  ),
);
const mapping = fc.dictionary(
  fc.constantFrom(
    'schema_version',
    'framework',
    'topology',
    'params',
    'sweep',
    'thresholds',
    'model',
    'knobs',
    '__proto__',
  ),
  fc.oneof(fc.constantFrom<unknown>('2', 'vllm', 'jax', 'x'), fc.jsonValue({ maxDepth: 4 })),
);
const document = fc.oneof(
  fc.string({ maxLength: 200, unit: 'binary' }),
  fc.array(words, { maxLength: 60 }).map((parts) => parts.join('')),
  fc.jsonValue({ maxDepth: 5 }).map((value) => JSON.stringify(value, null, 1)),
  mapping.map((value) => dump(value)),
);

describe('any text', () => {
  it('is a config or a list of problems, never a crash', () => {
    fc.assert(
      fc.property(document, (text) => {
        const loaded = loadText(text);
        expectLocated(text, loaded);
        expect(loaded.problems.length + loaded.cells.length).toBeGreaterThan(0);
      }),
      { numRuns: 10_000 },
    );
  });
});
