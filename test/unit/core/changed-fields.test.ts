import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../../src/core/canonical-json.ts';
import { changedFields, describeChange, describeValues } from '../../../src/core/changed-fields.ts';

// Few names and values: two of these are often equal, or differ in one place.
const { data } = fc.letrec<{ data: unknown; list: unknown[]; mapping: Record<string, unknown> }>((tie) => ({
  data: fc.oneof({ maxDepth: 3 }, fc.constantFrom(0, 1, null, 'x', '', undefined), tie('list'), tie('mapping')),
  list: fc.array(tie('data'), { maxLength: 3 }),
  mapping: fc.dictionary(fc.constantFrom('a', 'b', 'a.b', 'a[0]', '', '0', '__proto__'), tie('data'), { maxKeys: 3 }),
}));

const swap = ({ path, before, after }: ReturnType<typeof changedFields>[number]) => ({
  path,
  before: after,
  after: before,
});

describe('changedFields', () => {
  it('finds nothing exactly when the canonical JSON is the same', () => {
    fc.assert(
      fc.property(data, data, (before, after) => {
        expect(changedFields(before, after).length === 0).toBe(canonicalJson(before) === canonicalJson(after));
      }),
      { numRuns: 2000 },
    );
  });

  it('says the same of swapped sides, swapped', () => {
    fc.assert(
      fc.property(data, data, (before, after) => {
        expect(changedFields(after, before)).toEqual(changedFields(before, after).map(swap));
      }),
    );
  });

  it('names each place once, with single values that differ', () => {
    fc.assert(
      fc.property(data, data, (before, after) => {
        const changes = changedFields(before, after);
        expect(new Set(changes.map(({ path }) => path)).size).toBe(changes.length);
        for (const change of changes) {
          expect(canonicalJson({ side: change.before })).not.toBe(canonicalJson({ side: change.after }));
          for (const side of [change.before, change.after]) expect(['{}', '[]']).toContain(collectionOf(side));
        }
      }),
    );
  });

  it('does not depend on the order in which fields were written', () => {
    const before = { b: { y: 1, x: 2 }, a: [1] };
    expect(changedFields(before, { a: [1], b: { x: 2, y: 1 } })).toEqual([]);
    expect(changedFields(before, { a: [2], b: { x: 3, y: 1 } })).toEqual(
      changedFields({ a: [1], b: { x: 2, y: 1 } }, { b: { y: 1, x: 3 }, a: [2] }),
    );
  });

  it.each([
    ['a field', [{ params: { osl: 4 } }, { params: { osl: 5 } }], ['params.osl: 4 -> 5']],
    ['an item', [{ thresholds: [{ value: 50 }] }, { thresholds: [{ value: 90 }] }], ['thresholds[0].value: 50 -> 90']],
    ['items in order', [range(0, 11), range(0, 9)], ['[9]: 9 (gone)', '[10]: 10 (gone)']],
    ['a new field', [{}, { a: { b: 1, c: null } }], ['a.b: 1 (new)', 'a.c: null (new)']],
    ['an emptied collection', [{ a: { b: 1 } }, { a: {} }], ['a.b: 1 (gone)']],
    ['a collection for null', [{ dataset: null }, { dataset: { id: 'x' } }], ['dataset.id: x (new)']],
    ['a collection for a value', [{ a: 1 }, { a: { b: 2, c: 3 } }], ['a: 1 (gone)', 'a.b: 2 (new)', 'a.c: 3 (new)']],
    ['a list for a mapping', [{ a: {} }, { a: [] }], ['a: {} -> []']],
    ['an undefined item, which is null in JSON', [[undefined], []], ['[0]: null (gone)']],
    ['odd names', [{ 'a.b': 1, 'c d': 1 }, {}], ['["a.b"]: 1 (gone)', '["c d"]: 1 (gone)']],
  ])('describes %s', (_, [before, after], lines) => {
    expect(changedFields(before, after).map(describeChange)).toEqual(lines);
  });
});

describe('describeValues', () => {
  it.each([
    ['words as they are', ['aiter', 'fa'], 'aiter -> fa'],
    ['paths and versions as they are', ['../a b.gguf', '0.10.1'], '../a b.gguf -> 0.10.1'],
    ['a string that reads like another value in quotes', ['8', 8], '"8" -> 8'],
    ['booleans and null apart from their names', ['true', true], '"true" -> true'],
    ['blanks and nothing', ['', ' x'], '"" -> " x"'],
    ['control characters harmlessly', ['\u001B[31m', 'a\nb'], String.raw`"\u001b[31m" -> "a\nb"`],
    [
      'long texts around the place where they differ',
      [`${'/models'.repeat(9)}/old.gguf`, `${'/models'.repeat(9)}/new.gguf`],
      '...s/models/models/old.gguf -> ...s/models/models/new.gguf',
    ],
    [
      'a short text as a long one beside it',
      ['a'.repeat(30), 'a'.repeat(50)],
      `...${'a'.repeat(16)} -> ...${'a'.repeat(26)}...`,
    ],
    [
      'long texts from the start when they differ there',
      ['a'.repeat(40), 'b'.repeat(40)],
      `${'a'.repeat(29)}... -> ${'b'.repeat(29)}...`,
    ],
  ])('prints %s', (_, [before, after], text) => {
    expect(describeValues({ before, after })).toBe(text);
  });

  it('never prints two different values alike, however long they are', () => {
    const text = fc
      .tuple(fc.nat(80), fc.constantFrom('', 'y', 'z', '1'), fc.nat(80))
      .map(([before, mark, after]) => `${'x'.repeat(before)}${mark}${'x'.repeat(after)}`);
    const scalar = fc.oneof(
      text,
      fc.integer(),
      fc.boolean(),
      fc.integer().map(String),
      fc.constantFrom('null', null, 'true', '{}', '[]'),
    );
    fc.assert(
      fc.property(scalar, scalar, (before, after) => {
        fc.pre(before !== after);
        const [was = '', is = ''] = describeValues({ before, after }).split(' -> ');
        expect(was).not.toBe(is);
        expect(Math.max(was.length, is.length)).toBeLessThanOrEqual(32);
      }),
      { numRuns: 1000 },
    );
  });
});

/** `{}` or `[]` for an empty collection, `{}` for a single value. */
function collectionOf(value: unknown): string {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : '{}';
}

function range(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}
