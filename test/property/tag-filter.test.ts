import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AssayError } from '../../src/core/errors.ts';
import { formatTagFilter, holdsFor, parseTagFilter } from '../../src/vitest/select/tag-filter.ts';
import type { TagFilter } from '../../src/vitest/select/tag-filter.ts';

const known = ['a', 'b', 'c', 'demand', 'knob_x', 'knob_y', 'knob.x', 'größe'];
const passes = (filter: TagFilter, tags: readonly string[]) =>
  filter.every((condition) => holdsFor(condition, ({ matching }) => tags.some((tag) => matching.has(tag))));

/** An expression beside what it means, with the precedence left to the grammar. */
interface Written {
  readonly text: string;
  readonly level: 'or' | 'and' | 'not';
  readonly holds: (tags: readonly string[]) => boolean;
}

const blank = fc.constantFrom(' ', '  ', '\t');
const word = (text: string) => fc.constantFrom(text, text.toUpperCase(), `${text[0]?.toUpperCase()}${text.slice(1)}`);
const and = fc.oneof(
  fc.tuple(blank, word('and'), blank).map((parts) => parts.join('')),
  fc.constantFrom('&&', ' && '),
);
const or = fc.oneof(
  fc.tuple(blank, word('or'), blank).map((parts) => parts.join('')),
  fc.constantFrom('||', ' || '),
);
const not = fc.oneof(
  fc.tuple(word('not'), blank).map((parts) => parts.join('')),
  fc.constantFrom('!', '! '),
);

const inside = ({ text, level }: Written, allowed: readonly Written['level'][]): string =>
  allowed.includes(level) ? text : `(${text})`;

const { written } = fc.letrec<{ written: Written }>((tie) => ({
  written: fc.oneof(
    { depthSize: 'medium' },
    fc.constantFrom(...known).map((tag): Written => ({ text: tag, level: 'not', holds: (tags) => tags.includes(tag) })),
    fc.constantFrom('knob_', 'knob', '', 'd').map((head): Written => ({
      text: `${head}*`,
      level: 'not',
      holds: (tags) => tags.some((tag) => tag.startsWith(head)),
    })),
    fc.tuple(not, tie('written')).map(([sign, one]): Written => ({
      text: `${sign}${inside(one, ['not'])}`,
      level: 'not',
      holds: (tags) => !one.holds(tags),
    })),
    fc.tuple(tie('written'), and, tie('written')).map(([left, sign, right]): Written => ({
      text: `${inside(left, ['not', 'and'])}${sign}${inside(right, ['not', 'and'])}`,
      level: 'and',
      holds: (tags) => left.holds(tags) && right.holds(tags),
    })),
    fc.tuple(tie('written'), or, tie('written')).map(([left, sign, right]): Written => ({
      text: `${left.text}${sign}${right.text}`,
      level: 'or',
      holds: (tags) => left.holds(tags) || right.holds(tags),
    })),
  ),
}));

describe('a tag filter', () => {
  it('means what an independent reading of the same text means', () => {
    fc.assert(
      fc.property(fc.array(written, { minLength: 1, maxLength: 3 }), fc.subarray(known), (all, tags) => {
        const filter = parseTagFilter(
          all.map(({ text }) => text),
          known,
        );
        expect(passes(filter, tags)).toBe(all.every(({ holds }) => holds(tags)));
      }),
    );
  });

  it('means the same when it is printed and read again', () => {
    fc.assert(
      fc.property(written, fc.subarray(known), ({ text }, tags) => {
        const filter = parseTagFilter([text], known);
        const printed = formatTagFilter(filter);
        expect(passes(parseTagFilter([printed], known), tags)).toBe(passes(filter, tags));
        expect(formatTagFilter(parseTagFilter([printed], known))).toBe(printed);
      }),
    );
  });

  it('of any text is read or refused by name, never anything else', () => {
    const unit = fc.constantFrom('a', 'b', ' ', '\n', '(', ')', '!', '&', '|', 'not', 'and', 'or', '*', '.');
    fc.assert(
      fc.property(fc.string({ unit }), (text) => {
        try {
          parseTagFilter([text], known);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(AssayError);
          expect((thrown as AssayError).hint).not.toBe('');
        }
      }),
    );
  });
});
