import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { callAt, formatPlace, placedAt, SuiteText } from '../../../../src/vitest/claims/claim-place.ts';

function suite(text: string): SuiteText {
  const file = join(mkdtempSync(join(tmpdir(), 'assay-suite-')), 'a.test.ts');
  writeFileSync(file, text);
  return new SuiteText(file);
}

const TEXT = `import { claims } from 'vitest-assay/claims';
const ttft_p99 = { check: () => {} };
export default claims({
  slow: { tags: ['other'], check: ({ run }) => run.verdict('ttft_p99') },
  'a.b': own(),
  ttft_p99,
  other: { check() {} }, last: { check() {} },
});
`;

describe('the place of a claim', () => {
  it.each([
    ['slow', 4, 3],
    ['a.b', 5, 3],
    ['ttft_p99', 6, 3],
    ['other', 7, 3],
    ['last', 7, 26],
    // Of a name that code makes, and of the file, the call.
    ['made', 3, 16],
    [null, 3, 16],
  ])('of %s is %i:%i', (name, line, column) => {
    expect(suite(TEXT).placeOf(name)).toMatchObject({ line, column });
  });

  it('is the first line of a file without claims, or of none', () => {
    expect(suite('export default 1;').placeOf(null)).toMatchObject({ line: 1, column: 1 });
    expect(formatPlace(new SuiteText('/nowhere/a.test.ts').placeOf('x'))).toBe('/nowhere/a.test.ts:1:1');
  });
});

const PLACE = { file: '/some/a.test.ts', line: 5, column: 3 };

describe('callAt', () => {
  it('calls as if the call stood there, and answers what it answers', () => {
    const frames = callAt(PLACE, () => new Error('here').stack?.split('\n') ?? []);
    expect(frames[2]).toContain('file:///some/a.test.ts:5:3');
    expect(callAt({ ...PLACE, line: 1, column: 1 }, () => new Error('here').stack)).toContain('/some/a.test.ts:1:1');
  });
});

describe('placedAt', () => {
  it('leaves message and stack alone: errors with one stack are printed once', () => {
    const error = new Error('what');
    const { stack } = error;
    expect(placedAt(error, PLACE)).toMatchObject({ message: 'what', stack, stacks: [{ ...PLACE, method: '' }] });
  });
});
