import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AssayError } from '../../../src/core/errors.ts';
import { parseTagFilter } from '../../../src/vitest/tag-filter.ts';

const known = ['a', 'b', 'c', 'knob_x', 'knob_y'];
const passes = (expression: string, ...tags: string[]) => parseTagFilter([expression], known)(new Set(tags));

describe('parseTagFilter', () => {
  it.each([
    ['a and b', ['a', 'b'], true],
    ['a and b', ['a'], false],
    ['a && b', ['a', 'b'], true],
    ['a or b and c', ['a'], true],
    ['(a or b) and c', ['a'], false],
    ['not a or b', ['b', 'a'], true],
    ['!a', ['a'], false],
    ['NOT a AND b', ['b'], true],
    ['knob_*', ['knob_y'], true],
    ['knob_*', ['a'], false],
  ])('%s on %j is %s', (expression, tags, expected) => {
    expect(passes(expression, ...tags)).toBe(expected);
  });

  it('wants all expressions at once', () => {
    const filter = parseTagFilter(['a', 'b'], known);
    expect(filter(new Set(['a']))).toBe(false);
    expect(filter(new Set(['a', 'b']))).toBe(true);
  });

  it.each([
    ['a & b', 'the tag filter "a & b" has an unexpected "&" at 3', 'write "&&"'],
    ['a b', 'the tag filter "a b" has an unexpected "b" at 3', 'join tags with "and", "or", "not"'],
    ['knob_z', 'the tag filter "knob_z" names "knob_z", which no claim carries', 'did you mean `knob_x`?'],
    ['a and', 'the tag filter "a and" ends too early', 'add a tag'],
    ['(a', 'the tag filter "(a" has a "(" at 1 that is never closed', 'add a ")"'],
    ['not(a)', 'the tag filter "not(a)" has no blank between "not" and "("', 'write "not ("'],
    ['', 'the tag filter "" ends too early', 'add a tag'],
  ])('refuses %j', (expression, message, hint) => {
    expect(() => passes(expression)).toThrow(expect.objectContaining({ code: 'SELECTION_INVALID', message, hint }));
  });

  it('agrees with the boolean algebra it prints', () => {
    type Tree = { text: string; holds: (tags: ReadonlySet<string>) => boolean };
    const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
      tree: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom(...known).map((tag): Tree => ({ text: tag, holds: (tags) => tags.has(tag) })),
        tie('tree').map((t): Tree => ({ text: `not (${t.text})`, holds: (tags) => !t.holds(tags) })),
        fc.tuple(tie('tree'), tie('tree')).map(([l, r]): Tree => ({
          text: `(${l.text}) and (${r.text})`,
          holds: (tags) => l.holds(tags) && r.holds(tags),
        })),
        fc.tuple(tie('tree'), tie('tree')).map(([l, r]): Tree => ({
          text: `(${l.text})||(${r.text})`,
          holds: (tags) => l.holds(tags) || r.holds(tags),
        })),
      ),
    }));
    fc.assert(
      fc.property(tree, fc.subarray(known), (one, tags) => {
        expect(passes(one.text, ...tags)).toBe(one.holds(new Set(tags)));
      }),
    );
  });

  it('answers any text with a filter or the known error, never anything else', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', 'b', ' ', '(', ')', '!', '&', '|', 'not', 'and', '*') }),
        (text) => {
          try {
            parseTagFilter([text], known);
          } catch (thrown) {
            expect(thrown).toBeInstanceOf(AssayError);
          }
        },
      ),
    );
  });
});
