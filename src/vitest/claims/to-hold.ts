import type { MatcherState } from 'vitest';
import { verdictSchema } from '../../evidence/verdict.ts';
import type { Verdict } from '../../evidence/verdict.ts';
import { describeHeld, describeMissed } from './missed-verdict.ts';
import type { JudgedRun } from './missed-verdict.ts';
import { runOf } from './run.ts';
import type { Run } from './run.ts';

/** The verdicts that a running test has asserted, by the name of the test. */
const asserted = new Map<string, Verdict[]>();

/** The verdicts that a test has asserted since this was asked last. */
export function takeAsserted(testName: string | undefined): readonly Verdict[] {
  const verdicts = asserted.get(testName ?? '') ?? [];
  asserted.delete(testName ?? '');
  return verdicts;
}

interface Matched {
  readonly pass: boolean;
  readonly message: () => string;
}

/** `expect(run.verdict('ttft_p99')).toHold()`: fails with all that is known of a verdict that was missed. */
export function toHold(this: Pick<MatcherState, 'isNot' | 'currentTestName'>, received: unknown): Matched {
  const { data, error } = verdictSchema.safeParse(received);
  if (error !== undefined) {
    throw new TypeError("toHold() is for a verdict: expect(run.verdict('ttft_p99')).toHold()");
  }
  const verdict = received as Verdict;
  const run = runOf(verdict);
  if (run !== undefined) note(this.currentTestName, verdict);
  const isHeld = data.passed || (!this.isNot && run !== undefined && isOnlyRecorded(run));
  const judged = run === undefined ? null : judgedRun(run, claimOf(this.currentTestName));
  return { pass: isHeld, message: () => (data.passed ? describeHeld(data, judged) : describeMissed(data, judged)) };
}

/** Whether the config of a run records what its thresholds say, and fails nothing. */
export function isOnlyRecorded({ manifest }: Run): boolean {
  return manifest.status === 'recorded';
}

/** A run as what is said of its verdicts names it. */
export function judgedRun({ folder, manifest }: Run, claim: string | null): JudgedRun {
  return { folder, testId: manifest.test_id, cellId: manifest.cell_id, claim };
}

function note(testName: string | undefined, verdict: Verdict): void {
  if (testName === undefined) return;
  const verdicts = asserted.get(testName) ?? [];
  verdicts.push(verdict);
  asserted.set(testName, verdicts);
}

/** Titles of claims are `name[bracket]`. */
function claimOf(testName: string | undefined): string | null {
  return testName?.includes('[') === true ? (testName.split('[')[0] ?? null) : null;
}
