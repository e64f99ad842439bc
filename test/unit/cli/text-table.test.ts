import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { textTable } from '../../../src/cli/text-table.ts';
import { displayWidth } from '../../../src/core/display-width.ts';
import type { Cell } from '../../../src/evidence/query/query-value.ts';

const screen = { width: 80, isColourful: false };

const number = (name: string) => ({ name, isNumber: true });
const text = (name: string) => ({ name, isNumber: false });

const table = (columns: Parameters<typeof textTable>[0], rows: readonly (readonly Cell[])[], width = 80): string =>
  textTable(columns, rows, { ...screen, width }).join('\n');

describe('textTable', () => {
  it('aligns numbers at the point, with the digits that one of them needs, and texts on the left', () => {
    const rows: Cell[][] = [
      ['conc1', 73.412345, 12, true],
      ['conc16', 1318.4, 3200, false],
      ['conc2', null, null, null],
    ];
    expect(table([text('cell_id'), number('ttft_ms'), number('n'), text('passed')], rows)).toBe(
      [
        ' cell_id   ttft_ms     n  passed',
        ' ───────  ────────  ────  ──────',
        ' conc1      73.412    12  true',
        ' conc16   1318.400  3200  false',
        ' conc2           -     -  -',
      ].join('\n'),
    );
  });

  it('writes very small, very large and unusual numbers in short, and integers that no number holds as they are', () => {
    const rows = [[1.25e-7], [0], [-4e21], [NaN], [-Infinity], ['9007199254740993']];
    expect(
      textTable([number('x')], rows, screen)
        .slice(2)
        .map((line) => line.trim()),
    ).toEqual(['1.250e-7', '0', '-4.000e+21', 'NaN', '-Infinity', '9007199254740993']);
  });

  it('shows lists and objects as JSON', () => {
    expect(table([text('itls_ms'), text('o')], [[[3, 4.5, null], { a: [true] }]])).toContain(
      ' [3,4.5,null]  {"a":[true]}',
    );
  });

  it('shortens long texts before it leaves out columns, and as little as needed', () => {
    const columns = [text('run'), text('detail'), number('n')];
    const rows = [['0193a8e2', 'the 99th percentile of ttft_ms is far above its limit', 1]];
    expect(table(columns, rows, 120)).toContain(' the 99th percentile of ttft_ms is far above its…  ');
    expect(table(columns, rows, 40).split('\n')).toEqual([
      ' run       detail                      n',
      ' ────────  ──────────────────────────  ─',
      ' 0193a8e2  the 99th percentile of tt…  1',
    ]);
  });

  it('leaves out columns in the middle, marks the place and says how many', () => {
    const columns = Array.from({ length: 12 }, (_, index) => number(`metric_${index}_ms`));
    const lines = table(columns, [columns.map((_, index) => index)], 60).split('\n');
    expect(lines).toEqual([
      ' metric_0_ms  metric_1_ms  …  metric_10_ms  metric_11_ms',
      ' ───────────  ───────────  ─  ────────────  ────────────',
      '           0            1  …            10            11',
      ' … 8 of 12 columns hidden: SELECT fewer',
    ]);
  });

  it('draws what is two columns wide as such, and joined emoji as one', () => {
    const rows = [
      ['漢字', 1],
      ['👩‍👩‍👧', 2],
      ['e\u0301', 3],
      ['ｆｕｌｌ', 4],
      ['ﾊﾝ', 5],
      ['🇩🇪', 6],
    ];
    const lines = textTable([text('name'), number('n')], rows, screen).slice(2);
    expect(lines).toEqual([
      ' 漢字      1',
      ' 👩‍👩‍👧        2',
      ' e\u0301         3',
      ' ｆｕｌｌ  4',
      ' ﾊﾝ        5',
      ' 🇩🇪        6',
    ]);
  });

  it('lets no text move the cursor, colour, reorder or break a line', () => {
    const evil = '\u001B[2J\nb\t\u009B31m\u202Ed\uD800\u2028';
    const lines = textTable([text(`x\u001B]0;title\u0007`)], [[evil]], screen);
    expect(lines).toHaveLength(3);
    expect(lines[0]).toBe(String.raw` x\u001b]0;title\u0007`);
    expect(lines[2]).toBe(String.raw` \u001b[2J\nb\t\u009b31m\u202ed\ud800\u2028`);
  });

  it('dims what is missing where colours are shown, and says the same without them', () => {
    const rows = [[null, 'a-b']];
    const coloured = textTable([text('error'), text('x')], rows, { width: 80, isColourful: true });
    expect(coloured[2]).toBe(' \u001B[2m-    \u001B[22m  a-b');
    expect(coloured.map(stripVTControlCharacters)).toEqual(textTable([text('error'), text('x')], rows, screen));
  });

  it('is never wider than the screen, whatever is in it', () => {
    const cell = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.string({ unit: 'grapheme', maxLength: 60 }),
      fc.double(),
      fc.constant(null),
      fc.boolean(),
      fc.array(fc.integer(), { maxLength: 30 }),
    );
    const columns = fc.array(
      fc.record({ name: fc.string({ unit: 'grapheme', maxLength: 30 }), isNumber: fc.boolean() }),
      { minLength: 1, maxLength: 8 },
    );
    const any = columns.chain((some) =>
      fc.record({
        columns: fc.constant(some),
        rows: fc.array(fc.array(cell, { minLength: some.length, maxLength: some.length }), { maxLength: 4 }),
        width: fc.integer({ min: 10, max: 100 }),
      }),
    );
    fc.assert(
      fc.property(any, ({ columns: some, rows, width }) => {
        const lines = textTable(some, rows, { width, isColourful: false });
        const drawn = lines.slice(0, 2 + rows.length);
        expect(drawn.filter((line) => displayWidth(line) > width || /\p{Cc}/u.test(line))).toEqual([]);
        expect(lines.length - drawn.length).toBeLessThanOrEqual(1);
      }),
    );
  });
});
