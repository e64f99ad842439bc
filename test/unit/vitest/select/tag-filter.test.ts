import { describe, expect, it } from 'vitest';
import { formatTagFilter, holdsFor, parseTagFilter } from '../../../../src/vitest/select/tag-filter.ts';

const known = ['a', 'b', 'c', 'knob_x', 'knob_y', 'framework_vllm', 'framework_sglang', 'cell_conc1', 'cell_conc2'];
const passes = (expressions: readonly string[], ...tags: string[]) =>
  parseTagFilter(expressions, known).every((condition) =>
    holdsFor(condition, ({ matching }) => tags.some((tag) => matching.has(tag))),
  );

describe('parseTagFilter', () => {
  it.each([
    ['a and b', ['a', 'b'], true],
    ['a and b', ['a'], false],
    ['a && b', ['a', 'b'], true],
    ['a&&b', ['a', 'b'], true],
    ['a or b and c', ['a'], true],
    ['(a or b) and c', ['a'], false],
    ['not a or b', ['b', 'a'], true],
    ['not (a or b)', ['b'], false],
    ['!(a||b)', ['c'], true],
    ['!a', ['a'], false],
    ['not not a', ['a'], true],
    ['NOT a AND b', ['b'], true],
    ['knob_*', ['knob_y'], true],
    ['knob_*', ['a'], false],
    ['\ta\tand\tb ', ['a', 'b'], true],
  ])('%s on %j is %s', (expression, tags, expected) => {
    expect(passes([expression], ...tags)).toBe(expected);
  });

  it('wants all expressions at once', () => {
    expect(passes(['a', 'b'], 'a')).toBe(false);
    expect(passes(['a', 'b'], 'a', 'b')).toBe(true);
  });

  it('gives each condition that must hold, ready to be typed', () => {
    const filter = parseTagFilter(['(a and (b or c)) and not c', 'knob_*'], known);
    expect(filter.map((condition) => formatTagFilter([condition]))).toEqual(['a', 'b or c', 'not c', 'knob_*']);
    expect(formatTagFilter(filter)).toBe('a and (b or c) and not c and knob_*');
  });

  it.each([
    ['a & b', 'has an unexpected "&" at 3', 'write "&&"'],
    ['a |', 'has an unexpected "|" at 3', 'write "||"'],
    ['a &&& b', 'has an unexpected "&" at 5', 'write "&&"'],
    ['a b', 'has an unexpected "b" at 3', 'join tags with "and", "or", "not"'],
    ['a and', 'ends too early', 'add a tag'],
    ['a and not', 'ends too early', 'add a tag'],
    ['', 'ends too early', 'add a tag'],
    ['and a', 'has an unexpected "and" at 1', 'join tags with "and", "or", "not"'],
    ['a)', 'has an unexpected ")" at 2', 'join tags with "and", "or", "not"'],
    ['(a', 'has a "(" at 1 that is never closed', 'add a ")"'],
    ['(a b)', 'has an unexpected "b" at 4', 'join tags with "and", "or", "not"'],
    ['not(a)', 'has no blank between "not" and "(" at 1', 'write "not ("'],
    ['not!a', 'has no blank between "not" and "!" at 1', 'write "not !"'],
    ['a and(b)', 'has no blank between "and" and "(" at 3', 'write "and ("'],
    ['(a)OR(b)', 'has no blank between "OR" and "(" at 4', 'write "OR ("'],
    ['a and\nb', 'has a line break near 6', 'write a blank for it'],
    ['knob_z', 'names "knob_z", which no claim carries', 'did you mean `knob_x` or `knob_y`?'],
    ['a and vllm', 'names "vllm" at 7, which no claim carries', 'did you mean `framework_vllm`?'],
    ['KNOB_X', 'names "KNOB_X", which no claim carries', 'did you mean `knob_x`?'],
    ['framework_vlm*', 'names "framework_vlm*", which no claim carries', 'did you mean `framework_vllm`?'],
    ['cell_conc', 'names "cell_conc", which no claim carries', 'write `cell_conc*` for the 2 tags that begin so'],
    ['nothing_like_it', 'names "nothing_like_it", which no claim carries', 'see `vitest --list-tags`'],
    ['nothing_like_it & a', 'has an unexpected "&" at 17', 'write "&&"'],
  ])('refuses %j', (expression, what, hint) => {
    const message = `the tag filter "${expression}" ${what}`;
    expect(() => passes([expression])).toThrow(expect.objectContaining({ code: 'SELECTION_INVALID', message, hint }));
  });
});
