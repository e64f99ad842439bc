import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../../src/core/canonical-json.ts';
import { AssayError, withoutStack } from '../../../src/core/errors.ts';
import { hashOf, shortHash } from '../../../src/core/hash.ts';
import { nearest } from '../../../src/core/nearest.ts';
import { formatDuration, formatNumber, parseDurationMs } from '../../../src/core/units.ts';

/** The same data with the keys of every object in another order. */
function shuffleKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shuffleKeys);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, item]) => [key, shuffleKeys(item)]),
  );
}

describe('canonicalJson', () => {
  it('gives equal data equal text, and reads back as the same data', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        // JSON has no -0.
        const plain = JSON.parse(JSON.stringify(value)) as unknown;
        expect(canonicalJson(shuffleKeys(plain))).toBe(canonicalJson(plain));
        expect(JSON.parse(canonicalJson(plain))).toEqual(plain);
      }),
    );
  });

  it('sorts keys at every depth and refuses what JSON cannot say', () => {
    expect(canonicalJson({ b: [{ d: 1, c: null }], a: 'x', skipped: undefined })).toBe(
      '{"a":"x","b":[{"c":null,"d":1}]}',
    );
    expect(() => canonicalJson({ a: Number.NaN })).toThrow('NaN has no JSON form');
  });

  it('takes the text of an object from those that are known, at every depth', () => {
    const shared = { b: 1, a: 2 };
    const known = new WeakMap<object, string>([[shared, 'KNOWN']]);
    expect(canonicalJson({ y: [shared], x: shared, z: { ...shared } }, known)).toBe(
      '{"x":KNOWN,"y":[KNOWN],"z":{"a":2,"b":1}}',
    );
  });
});

describe('hashOf', () => {
  it('is the sha256 of the canonical JSON', () => {
    expect(hashOf({})).toBe('sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a');
    expect(shortHash(hashOf({}))).toBe('44136fa355b3');
  });
});

describe('units', () => {
  it.each([
    ['500ms', 500],
    ['1.5s', 1500],
    ['30m', 1_800_000],
    ['4h', 14_400_000],
    ['90d', 7_776_000_000],
    ['10', null],
    ['10 m', null],
    ['-1s', null],
  ])('reads %s', (text, ms) => {
    expect(parseDurationMs(text)).toBe(ms);
  });

  it.each([
    [412, '0.4 s'],
    [59_400, '59 s'],
    [125_000, '2 min 05 s'],
    [6_600_000, '1 h 50 min'],
  ])('prints %d ms', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  it.each([
    [0, '0'],
    [31.5083, '31.51'],
    [1467.9, '1468'],
    [0.0098206, '0.009821'],
    [-23.4, '-23.4'],
    [1e-5, '1.00e-5'],
    [123_456_789, '1.23e+8'],
  ])('prints %d', (value, text) => {
    expect(formatNumber(value)).toBe(text);
  });
});

describe('nearest', () => {
  it.each([
    ['atention', 'attention'],
    ['conccurency', 'concurrency'],
    ['qaunt', 'quant'],
    ['qnaut', null],
    ['conc', 'concurrency'],
    ['Atten', 'attention'],
    ['qu', null],
    ['zzz', null],
    ['a', null],
  ])('%s means %s', (word, meant) => {
    expect(nearest(word, ['attention', 'concurrency', 'quant'])).toBe(meant);
  });
});

describe('withoutStack', () => {
  it('leaves a known error its message and next step only', () => {
    const error = withoutStack(
      new AssayError('USAGE', 'x is wrong', { hint: 'write y', cause: new Error('deep') }),
    ) as Error;
    expect(error.stack).toBe('AssayError: x is wrong\n   next: write y');
    expect(Object.keys(error)).not.toContain('hint');
    expect(error.cause).toBeUndefined();
  });

  it('leaves a bug as it is', () => {
    const bug = new TypeError('oops');
    const { stack } = bug;
    expect((withoutStack(bug) as Error).stack).toBe(stack);
  });
});
