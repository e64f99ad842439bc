import fc from 'fast-check';
import { dump, load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { formatProblem } from '../../../../src/config/yaml/problem.ts';
import { parseYaml } from '../../../../src/config/yaml/yaml-source.ts';
import type { PathStep } from '../../../../src/config/yaml/yaml-source.ts';

/** What a file says: the value that the rest of the checks see, and every sentence about its notation. */
const read = (text: string) => {
  const { source, problems } = parseYaml('f', text);
  return { value: source === null ? 'unreadable' : source.value, told: problems.map(formatProblem) };
};

describe('parseYaml', () => {
  it('reads YAML 1.2: yes is a string, 0o17 a number, an empty field null, and knows where everything stands', () => {
    const { source, problems } = parseYaml(
      'f',
      'a: yes\nb: [0o17, 1e3,\n  ~]\nc:\nd: {e: |\n    text\n  }\n'.replace('{e: |\n    text\n  }', '{e: "x y"}'),
    );
    expect(problems).toEqual([]);
    expect(source?.value).toEqual({ a: 'yes', b: [15, 1000, null], c: null, d: { e: 'x y' } });
    expect(source?.locate(['b', 2])).toEqual({ file: 'f', line: 3, column: 3, path: 'b[2]' });
    expect(source?.locate(['d', 'e'])).toEqual({ file: 'f', line: 5, column: 5, path: 'd.e' });
    expect(source?.locate(['d', 'missing', 0])).toEqual({ file: 'f', line: 5, column: 1, path: 'd.missing[0]' });
    expect(source?.locate([])).toEqual({ file: 'f', line: 1, column: 1, path: '' });
  });

  it('counts lines alike whatever ends them, and prints names that are no plain words in quotes', () => {
    for (const end of ['\n', '\r\n', '\r']) {
      const { source } = parseYaml('f', `\uFEFF# a${end}${end}a:${end}  "b.c d": 1${end}`);
      expect(source?.locate(['a', 'b.c d'])).toEqual({ file: 'f', line: 4, column: 4, path: 'a["b.c d"]' });
    }
  });

  it('keeps aliases, explicit core tags and a first ---', () => {
    const text = '---\nbase: &b {isl: 8}\nparams: *b\nid: !!str 16\nn: !!int "3"\nlist: !!seq [&x 1, *x]\n*x : key\n';
    const { source, problems } = parseYaml('f', text);
    expect(problems).toEqual([]);
    expect(source?.value).toEqual({ base: { isl: 8 }, params: { isl: 8 }, id: '16', n: 3, list: [1, 1], 1: 'key' });
    // What has to be changed stands where the value is written.
    expect(source?.locate(['params', 'isl'])).toMatchObject({ line: 2, column: 11, path: 'params.isl' });
  });

  it.each([
    ['a: 1\nb: 2\n\na: 3\n', { a: 1, b: 2 }, ['f:4:1 a: is already written in line 1 - keep one of the two']],
    [
      'p: {x: 1}\np: {x: 2, y: 3}\n',
      { p: { x: 1, y: 3 } },
      ['f:2:1 p: is already written in line 1 - keep one of the two'],
    ],
    [
      'b: &x {a: 1, c: 1}\nd:\n  <<: *x\n  c: 2\n',
      { b: { a: 1, c: 1 }, d: { a: 1, c: 2 } },
      ['f:3:3 d.<<: << is not a field: YAML 1.2 merges nothing - write the fields out'],
    ],
    [
      'b: &x {a: 1}\nc: &y {d: 1}\ne: {<<: [*x, *y]}\n',
      { b: { a: 1 }, c: { d: 1 }, e: { a: 1, d: 1 } },
      ['f:3:5 e.<<: << is not a field: YAML 1.2 merges nothing - write the fields out'],
    ],
    ['"<<": 1\n', { '<<': 1 }, []],
    [
      'id: 12345678901234567890\n',
      { id: 12345678901234567000 },
      [
        'f:1:5 id: 12345678901234567890 is beyond 2^53 and would be rounded - write a smaller number, or "12345678901234567890" in quotes if it is an id',
      ],
    ],
    ['id: "12345678901234567890"\nn: 9007199254740991\n', { id: '12345678901234567890', n: 9007199254740991 }, []],
    [
      'n: [9007199254740992, -0o400000000000000000]\nhex: 0x20000000000000\n',
      { n: [9007199254740992, '-0o400000000000000000'], hex: 9007199254740992 },
      [
        'f:1:5 n[0]: 9007199254740992 is beyond 2^53 and would be rounded - write a smaller number, or "9007199254740992" in quotes if it is an id',
        'f:2:6 hex: 0x20000000000000 is beyond 2^53 and would be rounded - write a smaller number, or "0x20000000000000" in quotes if it is an id',
      ],
    ],
    ['n: 1e999\n', { n: '1e999' }, ['f:1:4 n: 1e999 is too large for a number - write a smaller number']],
    [
      'n: [1, .nan, -.INF]\n',
      { n: [1, NaN, -Infinity] },
      [
        'f:1:8 n[1]: .nan is not a finite number - write a number, or leave the field out',
        'f:1:14 n[2]: -.INF is not a finite number - write a number, or leave the field out',
      ],
    ],
    [
      'a: 1\n---\nb: 2\n',
      { a: 1 },
      [
        'f:2:1 a second document begins here, and a file is one - remove the ---, or move what follows to a file of its own',
      ],
    ],
    [
      '--- # first\na: 1\n---\n',
      { a: 1 },
      [
        'f:3:1 a second document begins here, and a file is one - remove the ---, or move what follows to a file of its own',
      ],
    ],
    [
      'a: !!binary aGk=\n',
      { a: 'aGk=' },
      [
        'f:1:4 a: !!binary is a YAML tag that means nothing here - remove it, or write "!!binary aGk=" in quotes if it is text',
      ],
    ],
    [
      'a: !foo {b: 1}\n',
      { a: { b: 1 } },
      ['f:1:4 a: !foo is a YAML tag that means nothing here - remove it, or write "!foo" in quotes if it is text'],
    ],
    [
      '!foo a: !!int x\n',
      { a: 'x' },
      [
        'f:1:1 a: !foo is a YAML tag that means nothing here - remove it, or write "!foo" in quotes if it is text',
        'f:1:9 a: !!int is a YAML tag that means nothing here - remove it, or write "!!int x" in quotes if it is text',
      ],
    ],
    [
      'files: *.log\n',
      { files: null },
      [
        'f:1:8 files: *.log repeats a value, and none above is marked &.log - write "*.log" in quotes if it is text, or the value itself',
      ],
    ],
    [
      'a: &base 1\nb: *bsae\nc: *bas\n',
      { a: 1, b: null, c: null },
      [
        'f:2:4 b: *bsae repeats a value, and none above is marked &bsae - did you mean *base?',
        'f:3:4 c: *bas repeats a value, and none above is marked &bas - did you mean *base?',
      ],
    ],
    [
      'a: &x [1, *x]\n',
      { a: [1, null] },
      ['f:1:11 a[1]: *x stands inside the value that it repeats - write the value out'],
    ],
    [
      'a: 1\n? [b, c]\n: 2\nd: 3\n',
      { a: 1, d: 3 },
      [
        'f:2:3 a list or a mapping stands where the name of a field is needed - write `name: value`; if it is text with braces or brackets, put all of it in quotes',
      ],
    ],
    [
      'path: {{ home }}\n',
      { path: {} },
      [
        'f:1:8 path: a list or a mapping stands where the name of a field is needed - write `name: value`; if it is text with braces or brackets, put all of it in quotes',
      ],
    ],
    ['a: {: 1, b: 2}\n', { a: { b: 2 } }, ['f:1:4 a: a field has no name before its colon - write `name: value`']],
    [
      'a: {count:1, b: 2}\n',
      { a: { count: 1, b: 2 } },
      ['f:1:5 a.count: count:1 has no space after the colon - write `count: 1`'],
    ],
    ['a: {http://x, "b:1"}\n', { a: { 'http://x': null, 'b:1': null } }, []],
    [
      'op: >\nvalue: 5\n',
      { op: '', value: 5 },
      [
        'f:1:5 op: > begins a block of text, and none follows - write ">" in quotes if it is the value, or indent the text below it',
      ],
    ],
    ['a: \u201Cx\u201D\n', { a: '\u201Cx\u201D' }, ['f:1:4 a: \u201C is not a quote in YAML - write " or \' instead']],
    [
      'a: x\u00A0y\n',
      { a: 'x\u00A0y' },
      [
        'f:1:4 a: "x\u00A0y" has a character that looks like a space and is none (U+00A0) - type it again with the space bar, or put the text in quotes',
      ],
    ],
    ['', 'unreadable', ['f:1:1 is empty - write its fields, one `name: value` a line']],
    ['# nothing\n\n', 'unreadable', ['f:1:1 is empty - write its fields, one `name: value` a line']],
    ['---\n', 'unreadable', ['f:1:1 is empty - write its fields, one `name: value` a line']],
  ])('finds the trap in %j and reads on', (text, value, told) => {
    expect(read(text)).toEqual({ value, told });
  });

  it.each([
    [
      'a:\n\tb: 1\n\tc:\n\t\td: 2\n',
      { a: { b: 1, c: { d: 2 } } },
      ['f:2:1 a tab indents this line, and 2 more - indent with spaces, two for each level'],
    ],
    [
      'a:\n  - b\n \t- c\n',
      { a: ['b', 'c'] },
      ['f:3:2 a tab indents this line - indent with spaces, two for each level'],
    ],
    ['a:\n  b: 1\n\tc: 2\n', 'unreadable', ['f:3:1 a tab indents this line - indent with spaces, two for each level']],
    [
      'op: >= # lower\nb: 1\n',
      { op: '>=', b: 1 },
      ['f:1:5 op: >= begins with >, which means something else in YAML - write ">=" in quotes'],
    ],
    [
      '- {op: >=, home: ${env:HOME}, list: [@a, x{b}]}\n- *\n',
      [{ op: '>=', home: '${env:HOME}', list: ['@a', 'x{b}'] }, '*'],
      [
        'f:1:8 [0].op: >= begins with >, which means something else in YAML - write ">=" in quotes',
        'f:1:18 [0].home: ${env:HOME} has { } in it, which mean something else here - write "${env:HOME}" in quotes',
        'f:1:38 [0].list[0]: @a begins with @, which means something else in YAML - write "@a" in quotes',
        'f:1:42 [0].list[1]: x{b} has { } in it, which mean something else here - write "x{b}" in quotes',
        'f:2:3 [1]: * means something else in YAML - write "*" in quotes',
      ],
    ],
    [
      'image: rocm: latest # x\n',
      { image: 'rocm: latest' },
      ['f:1:8 image: rocm: latest has a colon and a space in it, which make a field - write "rocm: latest" in quotes'],
    ],
    [
      'a: {b: c: d}\n',
      { a: { b: 'c: d' } },
      ['f:1:8 a.b: c: d has a colon and a space in it, which make a field - write "c: d" in quotes'],
    ],
    [
      'a: {isl: 64 osl: 8}\nb: ["x" "y"]\n',
      { a: { isl: 64, osl: 8 }, b: ['x', 'y'] },
      [
        'f:1:13 a.osl: a comma is missing before osl: 8 - write a comma between entries',
        'f:2:9 b[0]: a comma is missing before "y" - write a comma between entries',
      ],
    ],
    ['a: 1\nseed:2\nb: 3\n', 'unreadable', ['f:2:1 seed:2 has no space after the colon - write `seed: 2`']],
    ['seed = 2\nb: 3\n', 'unreadable', ['f:1:1 seed = 2 has no colon - write `seed: 2`']],
    [
      'a: 1\nseed\nb: 3\n',
      'unreadable',
      ['f:2:1 seed has no colon - write `seed: ` and its value, or put the text in quotes'],
    ],
    ['a: [1,,2]\n', 'unreadable', ['f:1:7 nothing stands before this comma - write a value before it, or remove it']],
    ['a: [1, {b: 2]\nc: 3\n', 'unreadable', ['f:1:8 this { is not closed - close it with }']],
    ['a: [1, 2\nb: 3\n', 'unreadable', ['f:1:4 this [ is not closed - close it with ]']],
    [
      'a: {\n  b: 1\n}\n',
      'unreadable',
      ['f:1:4 this { is not closed - close it with }, or indent the lines up to its }'],
    ],
    ['# it\'s\na: "b # c\n', 'unreadable', ['f:2:4 this " is not closed - close it with "']],
    [
      "a: 'it's'\n",
      'unreadable',
      [
        "f:1:8 there is text after the closing ' - put all of the value in double quotes; between single quotes, an apostrophe is written ''",
      ],
    ],
    [
      'a: {user-id}/models\n',
      'unreadable',
      ['f:1:13 there is text after the closing } - put all of the value in quotes, or remove what is too much'],
    ],
    [
      'a: "C:\\path"\n',
      'unreadable',
      ['f:1:7 \\p means nothing between double quotes - write \\\\ for a backslash, or use single quotes'],
    ],
    [
      'a:\n  b: 1\n   c: 2\n',
      'unreadable',
      ['f:3:4 is indented by 3 spaces, which fits no line above - indent it by 2 spaces, to stand beside line 2'],
    ],
    [
      'a:\n  - b: 1\n   c: 2\n',
      'unreadable',
      ['f:3:4 is indented by 3 spaces, which fits no line above - indent it by 4 spaces, to stand beside line 2'],
    ],
    [
      'a: 1\n  b: 2\n',
      'unreadable',
      ['f:2:3 is indented by 2 spaces, which fits no line above - indent it not at all, to stand beside line 1'],
    ],
    [
      'a: 1\n- b\n',
      'unreadable',
      ['f:2:1 a list item stands among fields - write `name:` above the list, and indent its items'],
    ],
    [
      '- b\na: 1\n',
      'unreadable',
      ['f:2:1 a field stands among list items - indent it as far as the item it belongs to'],
    ],
    ['a: b\u0007\n', 'unreadable', ['f:1:5 has an invisible character (U+0007) - remove it']],
    ['a\0: 1\n', 'unreadable', ['f:1:2 this is not UTF-8 text: it has a zero byte - save the file as UTF-8']],
    [
      '%YAML 2.0\n---\na: 1\n',
      'unreadable',
      ['f:1:1 a line that begins with % is an instruction to the YAML reader - remove it'],
    ],
    ['['.repeat(70), 'unreadable', ['f:1:64 is nested deeper than 64 levels - write it flatter']],
  ])('says what to type where %j is no YAML, and reads on where it can', (text, value, told) => {
    expect(read(text)).toEqual({ value, told });
  });

  it('shows nothing of what stands behind the name of a secret', () => {
    const hidden = 'cannot be read, and is not shown: HF_TOKEN sounds like a secret';
    for (const value of [
      '@hf_abcdef',
      '99999999999999999999',
      'hf_abc: def',
      '*hf_abcdef',
      '!hf_abcdef x',
      'a\u00A0hf_abc',
    ]) {
      const [problem] = parseYaml('f', `env: {A: 1}\nHF_TOKEN: ${value}\n`).problems;
      expect(problem).toMatchObject({ message: hidden, hint: 'declare it under `secrets:`, and write no value here' });
    }
    expect(read('hf_token: {kind: SecretValue, source: env env_var: HF_TOKEN}\n').told).toEqual([
      'f:1:43 hf_token.env_var: a comma is missing before env_var: HF_TOKEN - write a comma between entries',
    ]);
  });

  it('does not let aliases write out to more than a document may have', () => {
    const bomb = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
    for (let i = 1; i < 9; i++)
      bomb.push(
        `a${i}: &a${i} [${Array(10)
          .fill(`*a${i - 1}`)
          .join(', ')}]`,
      );
    const { source, problems } = parseYaml('f', bomb.join('\n'));
    expect(problems.map(formatProblem)[0]).toBe(
      'f:5:45 a4[7]: with *a3 this document has more than 100000 values - repeat less',
    );
    expect(JSON.stringify(source?.value).length).toBeLessThan(1_000_000);
    const chain = Array.from({ length: 70 }, (_, i) => `- &a${i + 1} [*a${i}]`);
    expect(read(['- &a0 x', ...chain].join('\n')).told[0]).toBe(
      'f:65:9 [64][0]: with *a63 this document has more than 64 levels - repeat less',
    );
  });

  it('reads a hundred thousand values of its own, and keeps a field called __proto__ a field', () => {
    const list = parseYaml('f', `a: [${'1, '.repeat(150_000)}]`);
    expect(list.problems).toEqual([]);
    expect((list.source!.value as { a: unknown[] }).a).toHaveLength(150_000);
    const { source } = parseYaml('f', '__proto__: {a: 1}\n');
    expect(Object.keys(source?.value as object)).toEqual(['__proto__']);
    expect(Object.getPrototypeOf(source?.value)).toBe(Object.prototype);
  });
});

const TOKENS = [
  'a,b: ,a: ,- ,? ,: ,&x ,*x,&y ,*y ,!foo ,!!str ,!!int ,!,|,>,|+2,{,},[,],",\',#, # c,%,<<: ,.nan,1e999,\\,@,`'.split(
    ',',
  ),
  ',|\n|\n  |\n    |\n\t|\t|\r\n|\r|---\n|...\n|%YAML 1.2\n|9007199254740993|${env:X}|{{|}}|~|!<x> | = |x: y|5'.split(
    '|',
  ),
  ['\0', '\u00A0', '\u201C', '\uFEFF', '\uD800', '\u2028', '__proto__: '],
].flat();
const assembled = fc.array(fc.constantFrom(...TOKENS), { maxLength: 40 }).map((tokens) => tokens.join(''));
const nested = fc
  .tuple(fc.constantFrom(...TOKENS), fc.constantFrom(...TOKENS), fc.constantFrom(60, 5000))
  .map(([first, second, times]) => `${first}${second}`.repeat(times));

const checkReading = (text: string): void => {
  const { source, problems } = parseYaml('f', text);
  if (source === null) expect(problems).not.toEqual([]);
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/);
  for (const { line, column, message, hint, path } of problems) {
    expect(lines.length).toBeGreaterThanOrEqual(line);
    expect(lines[line - 1]!.length + 1).toBeGreaterThanOrEqual(column);
    expect(Math.min(line, column)).toBeGreaterThan(0);
    expect(`${path}${message}${hint}`).not.toMatch(/[\r\n\u2028]/);
  }
};

describe('parseYaml, on whatever there is', () => {
  it('returns, and every problem stands inside the text and takes one line', () => {
    fc.assert(fc.property(assembled, checkReading), { numRuns: 3000 });
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 300 }), checkReading), { numRuns: 500 });
    fc.assert(fc.property(fc.string({ maxLength: 100 }), checkReading), { numRuns: 500 });
    fc.assert(fc.property(nested, checkReading), { numRuns: 60 });
  });

  it('means what js-yaml means wherever it finds nothing wrong', () => {
    // As the name of a field, `~` is null and `.nan` NaN to js-yaml; here a name is what is written.
    const words = TOKENS.filter((token) => !/^(?:[\d~\uFEFF]|\.nan)|__proto__/.test(token));
    const texts = fc.array(fc.constantFrom(...words), { maxLength: 12 }).map((tokens) => tokens.join(''));
    let read = 0;
    fc.assert(
      fc.property(texts, (text) => {
        const { source, problems } = parseYaml('f', text);
        if (source === null || problems.length > 0) return;
        read++;
        expect(source.value).toEqual(load(text));
      }),
      { numRuns: 5000 },
    );
    expect(read).toBeGreaterThan(100);
  });

  it('places every field at its name and every item at its value', () => {
    const { value: documents } = fc.letrec((tie) => ({
      name: fc.stringMatching(/^[a-z]\w{0,8}$/),
      scalar: fc.oneof(fc.integer(), fc.boolean(), fc.stringMatching(/^[a-z][a-z 0-9"'#:,-]{0,12}$/)),
      list: fc.array(tie('value'), { maxLength: 4 }),
      mapping: fc.dictionary(tie('name') as fc.Arbitrary<string>, tie('value'), { maxKeys: 4 }),
      value: fc.oneof({ depthSize: 'small' }, tie('scalar'), tie('list'), tie('mapping')),
    }));
    const layout = fc.record({ flowLevel: fc.integer({ min: -1, max: 3 }), indent: fc.integer({ min: 1, max: 4 }) });
    fc.assert(
      fc.property(documents, layout, (document, options) => {
        const text = dump({ root: document }, { ...options, lineWidth: -1 });
        const { source, problems } = parseYaml('f', text);
        expect(problems).toEqual([]);
        expect(source?.value).toEqual({ root: document });
        const lines = text.split('\n');
        for (const { path, written } of placesOf({ root: document })) {
          const { line, column } = source!.locate(path);
          expect(lines[line - 1]!.slice(column - 1).startsWith(written), `${path.join('.')} in\n${text}`).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });
});

interface Written {
  readonly path: readonly PathStep[];
  readonly written: string;
}

/** Every path of a value with the text that stands there: the name of a field, an item that needs no escapes. */
function placesOf(value: unknown, path: readonly PathStep[] = []): readonly Written[] {
  if (Array.isArray(value)) {
    return value.flatMap((item: unknown, index) => {
      const inner = [...path, index];
      const isSimple = typeof item !== 'object' && !/["']/.test(`${item as string}`);
      return [...(isSimple ? [{ path: inner, written: `${item as string}` }] : []), ...placesOf(item, inner)];
    });
  }
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, field]) => [
    { path: [...path, name], written: name },
    ...placesOf(field, [...path, name]),
  ]);
}
