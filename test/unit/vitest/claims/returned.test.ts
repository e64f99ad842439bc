import { describe, expect, it } from 'vitest';
import { verdictIn } from '../../../../src/vitest/claims/returned.ts';

const HELD = { benchmark: 'ttft_p99', outcome: 'passed', passed: true };

describe('what a check returns', () => {
  it('is a verdict', () => {
    expect(verdictIn(HELD)).toBe(HELD);
  });

  it.each([
    ['nothing', undefined],
    ['an assertion', expect(1).toBe(1)],
    ['an assertion in the manner of chai', expect(1).to.equal(1)],
    ['what was awaited', [undefined, expect(1).toBe(1)]],
    ['nothing to await', []],
  ])('is no verdict when it is %s', (_what, returned) => {
    expect(verdictIn(returned)).toBeNull();
  });

  it.each([
    [false, 'false'],
    [true, 'true'],
    [null, 'null'],
    [0, '0'],
    ['ok', "'ok'"],
    [{ passed: false }, '{ passed: false }'],
    [[HELD], '[ [Object] ]'],
    [[expect(1).toBe(1), false], '[ [Assertion], false ]'],
  ])('is refused when nothing judges it: %j', (returned, shown) => {
    expect(() => verdictIn(returned)).toThrow(
      expect.objectContaining({
        code: 'CLAIMS_INVALID',
        message: `the check returned ${shown}, which judges nothing`,
        hint: "return one verdict, `run.verdict('ttft_p99')`, or say what must be with `expect`",
      }),
    );
  });
});
