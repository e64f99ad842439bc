import type { Manifest } from '../../../evidence/manifest.ts';
import type { Verdict } from '../../../evidence/verdict.ts';
import type { JudgedAgain, ReuseMode } from '../../../session/stored/reuse.ts';

/** A run that was judged, with its directory, relative to where the user stands. */
export interface JudgedRun {
  readonly manifest: Manifest;
  readonly folder: string;
}

/** A stored run that stands for a launch. */
export interface ReusedRun extends JudgedRun {
  readonly judgedAgain: JudgedAgain | null;
}

/** A cell as people find it: its config and its own name. */
export interface NamedCell {
  readonly testId: string;
  readonly cellId: string;
}

/** A cell that was not run or not reused, and why. */
export interface ExplainedCell extends NamedCell {
  readonly reason: string;
}

/** A threshold that a claim found missed. */
export type MissedThreshold = Pick<Verdict, 'kind' | 'metric' | 'expected' | 'margin' | 'detail' | 'source'>;

/** A claim that failed. */
export interface FailedClaim extends NamedCell {
  /** The claim without its cell. */
  readonly name: string;
  /** The run it judged, as in `JudgedRun`; null when there was none. */
  readonly folder: string | null;
  /** Null when it failed otherwise. */
  readonly missed: MissedThreshold | null;
  readonly message: string;
}

/** A suite file that never came to its end. */
export interface LostFile {
  /** Relative to where the user stands. */
  readonly file: string;
  /** How many claims of it were selected. */
  readonly claims: number;
  readonly notJudged: number;
}

/** What a pass came to, as plain data. */
export interface PassSummary {
  /** What was launched. */
  readonly runs: readonly JudgedRun[];
  readonly reuse: ReuseMode;
  /** What was looked up in place of a launch. */
  readonly reused: readonly ReusedRun[];
  /** What an earlier pass of this session launched or looked up, and still stands. */
  readonly standing: readonly JudgedRun[];
  /** Cells that were launched because no stored run stands for them, and why not. */
  readonly missed: readonly ExplainedCell[];
  /** The benchmarks of the selected claims: a slice shows what it asked for. */
  readonly benchmarks: ReadonlySet<string | null>;
  /** Cells that were asked for and not run. */
  readonly skipped: readonly ExplainedCell[];
  /** How many claims were never judged: the pass was cut short, or a worker died. */
  readonly notJudged: number;
  /** Cells whose turn had not come when the pass was cut short. */
  readonly notRun: readonly NamedCell[];
  readonly claims: { readonly passed: number; readonly failed: readonly FailedClaim[] };
  /** Files whose worker died. */
  readonly lost: readonly LostFile[];
  /** What a command that is to be typed again must begin with; empty, or with a blank at its end. */
  readonly typedBefore: string;
  /** What was typed to select tests; empty, or with a blank at its beginning. */
  readonly typedSelection: string;
  /** The artifact directory, relative to where the user stands. */
  readonly artifacts: string;
  readonly elapsedMs: number;
}

/** Every run that was judged, wherever it comes from. */
export function judgedRuns({ runs, reused, standing }: PassSummary): readonly JudgedRun[] {
  return [...runs, ...reused, ...standing];
}

/** Whether a run says anything but good. */
export function isFailedRun({ manifest: { status } }: JudgedRun): boolean {
  return status !== 'passed' && status !== 'recorded';
}
