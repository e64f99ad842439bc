import { afterEach, describe, expect, it } from 'vitest';
import type { Manifest } from '../../../../src/evidence/manifest.ts';
import { describeHeld, describeMissed } from '../../../../src/vitest/claims/missed-verdict.ts';
import { Run } from '../../../../src/vitest/claims/run.ts';
import { takeAsserted, toHold } from '../../../../src/vitest/claims/to-hold.ts';
import { endedRun, VERDICT } from './ended-run.ts';

expect.extend({ toHold });
const MISSED = {
  ...VERDICT,
  passed: false,
  outcome: 'failed',
  detail: 'ttft_ms p99 is 60 ms, must be <= 50 ms',
} as const;

/** What an assertion says when it fails; null when it passes. */
function said(assert: () => void): string | null {
  try {
    assert();
    return null;
  } catch (thrown) {
    return (thrown as Error).message;
  }
}

async function verdictOf(change: Partial<Manifest>) {
  const run = new Run(await endedRun(change));
  return { verdict: run.verdict('ttft_p99'), run };
}

const testName = () => expect.getState().currentTestName;
afterEach(() => void takeAsserted(testName()));

describe('toHold', () => {
  it('passes when the verdict passed, and says what holds where it was not to', async () => {
    const { verdict, run } = await verdictOf({ verdicts: [VERDICT] });
    expect(said(() => expect(verdict).toHold())).toBe(null);
    const judged = { folder: run.folder, testId: 'demo', cellId: 'conc1', claim: null };
    expect(said(() => expect(verdict).not.toHold())).toBe(describeHeld(VERDICT, judged));
  });

  it('fails with everything that a returned verdict says', async () => {
    const { verdict, run } = await verdictOf({ verdicts: [MISSED], status: 'failed_verification' });
    const judged = { folder: run.folder, testId: 'demo', cellId: 'conc1', claim: null };
    expect(said(() => expect(verdict).toHold())).toBe(describeMissed(MISSED, judged));
    expect(said(() => expect(verdict).not.toHold())).toBe(null);
  });

  it('names the claim of a title[bracket]', async () => {
    const { verdict } = await verdictOf({ verdicts: [MISSED], status: 'failed_verification' });
    const matched = toHold.call({ isNot: false, currentTestName: 'mine[llama_cpp-tiny-conc1]' }, verdict);
    expect(matched.pass).toBe(false);
    expect(matched.message()).toContain('-t "mine demo conc1"');
    expect(takeAsserted('mine[llama_cpp-tiny-conc1]')).toEqual([verdict]);
  });

  it('fails nothing where the config only records', async () => {
    const { verdict } = await verdictOf({ verdicts: [MISSED], status: 'recorded' });
    expect(said(() => expect(verdict).toHold())).toBe(null);
    expect(said(() => expect(verdict).not.toHold())).toBe(null);
  });

  it('judges a verdict that no run gave, and nothing but verdicts', () => {
    expect(said(() => expect(MISSED).toHold())).toBe(describeMissed(MISSED, null));
    expect(said(() => expect(5).toHold())).toBe("toHold() is for a verdict: expect(run.verdict('ttft_p99')).toHold()");
  });

  it('keeps what was asserted for its test, once', async () => {
    const { verdict } = await verdictOf({ verdicts: [VERDICT] });
    expect(verdict).toHold();
    expect(takeAsserted('another test')).toEqual([]);
    expect(takeAsserted(testName())).toEqual([verdict]);
    expect(takeAsserted(testName())).toEqual([]);
  });
});
