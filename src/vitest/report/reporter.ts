import { relative } from 'node:path';
import type { Reporter, TestModule, TestRunEndReason, TestSpecification, Vitest } from 'vitest/node';
import { formatProblem } from '../../config/yaml/problem.ts';
import { messageOf } from '../../core/errors.ts';
import type { PlannedCell, SessionPlan } from '../../session/plan.ts';
import type { PlannedClaim } from '../../session/planned-claim.ts';
import type { SessionEvent } from '../../session/events.ts';
import type { ReuseMode } from '../../session/stored/reuse.ts';
import { joinShards } from './join-shards.ts';
import { lostFiles } from './lost-files.ts';
import { missingClaims } from './missing-claims.ts';
import { paint } from '../screen/paint.ts';
import { Pass } from './pass.ts';
import type { PassOutcome } from './pass.ts';
import { printLine } from '../screen/print.ts';
import type { LiveProgress } from '../live/progress.ts';
import { appendStepSummary } from './step-summary.ts';
import { mergedLines } from './summary/merged-lines.ts';
import { counted, paragraph, wrapped } from './summary/layout.ts';
import type { PassSummary } from './summary/pass-summary.ts';
import { summaryLines } from './summary/summary.ts';
import { testsIn } from './tests-in.ts';
import { typedBefore } from '../screen/typed-before.ts';
import { typedSelection } from './typed-selection.ts';

const FAILURE = 1;

/** The exit code of a session that judged nothing, as for every command of ours. */
const NO_VERDICT = 3;

const REASONS_SHOWN = 3;

/** What the reporter asks of the session it reports on; in watch mode an answer holds for one pass. */
export interface ReportSource {
  readonly reuse: ReuseMode;
  /** Which part of the cells this Vitest has; null for all of them. */
  readonly shard: { readonly index: number; readonly count: number } | null;
  readonly progress: LiveProgress;
  plan(): SessionPlan;
  /** The selected claims of all projects. */
  selected(): readonly PlannedClaim[];
  /** Why nothing is selected, in lines. */
  explainEmpty(): readonly string[];
  /** Why this shard has nothing to do although cells are selected; null when it has, or when none is. */
  explainEmptyShard(): string | null;
  /** Leaves evidence of the cells that were asked for and not run. */
  recordSkips(cells: readonly PlannedCell[]): Promise<void>;
  /** Waits for a stop that somebody asked for; answers whether somebody did. */
  untilStopped(): Promise<boolean>;
}

/** Shows cells while they run, and what each pass came to. */
export class AssayReporter implements Reporter {
  readonly #vitest: Vitest;
  readonly #source: ReportSource;
  #pass = new Pass([]);
  #isFirst = true;
  /** What was last said of nothing being selected. */
  #explained = '';
  /** Of a file that is reported on more than once Vitest keeps the last report alone. */
  readonly #merged: TestModule[] = [];

  constructor(vitest: Vitest, source: ReportSource) {
    this.#vitest = vitest;
    this.#source = source;
  }

  onSessionEvent(event: SessionEvent): void {
    this.#source.progress.onEvent(event);
    this.#pass.onEvent(event);
  }

  onInit(vitest: Vitest): void {
    if (this.#isMerging) joinShards(vitest);
  }

  onTestRunStart(specifications: readonly TestSpecification[]): void {
    const files = new Set(specifications.map(({ moduleId }) => moduleId));
    this.#pass = new Pass(this.#source.selected().filter(({ claim }) => files.has(claim.file)));
    // Merging shows again what ran elsewhere.
    if (this.#isMerging) return;
    if (this.#pass.claims.length > 0) this.#printHeader();
    // Where the screen was taken over, a pass of the user's own tests is shown there as well.
    this.#source.progress.start();
  }

  onTestModuleEnd(module: TestModule): void {
    if (this.#isMerging) this.#merged.push(module);
  }

  async onTestRunEnd(modules: readonly TestModule[], _errors: unknown, reason: TestRunEndReason): Promise<void> {
    if (this.#isMerging) {
      this.#endMerge();
      return;
    }
    const isStopped = await this.#source.untilStopped();
    this.#source.progress.stop();
    const isFirst = this.#isFirst;
    this.#isFirst = false;
    if (this.#pass.claims.length > 0) {
      this.#explained = '';
      await this.#endPass(modules, { isStopped, reason });
    } else if (!isStopped && reason !== 'interrupted') this.#explainNothing(modules, isFirst);
  }

  get #isMerging(): boolean {
    return this.#vitest.config.mergeReports !== undefined;
  }

  /** What has changed, or depends on a file, may be nothing: Vitest takes that for a pass as well. */
  get #mayFindNothing(): boolean {
    const { changed, related } = this.#vitest.config;
    return (changed !== undefined && changed !== false) || related !== undefined;
  }

  /** The runs may lie elsewhere, and the reports may be of a part of the claims: nothing is missed. */
  #endMerge(): void {
    const outcome = { ...this.#pass.outcome(this.#merged), notJudged: 0 };
    for (const line of mergedLines(this.#summary(outcome, []))) this.#print(line);
    if (this.#merged.some((module) => module.state() === 'failed')) process.exitCode = FAILURE;
  }

  async #endPass(
    modules: readonly TestModule[],
    { isStopped, reason }: { readonly isStopped: boolean; readonly reason: TestRunEndReason },
  ): Promise<void> {
    const pass = this.#pass;
    const { unfit, pending, ...outcome } = pass.outcome(modules);
    await this.#source.recordSkips(unfit);
    // What was left undone because somebody asked for it is no news.
    const isCutShort = isStopped || reason === 'interrupted';
    const lost = isCutShort ? [] : lostFiles(pass.claims, modules);
    const cut = isCutShort
      ? { notRun: outcome.notRun, notJudged: pending }
      : { notRun: [], notJudged: lost.reduce((sum, file) => sum + file.notJudged, 0) };
    const summary = this.#summary({ ...outcome, ...cut }, lost);
    for (const line of summaryLines(summary)) this.#print(line);
    this.#reportToJob(summary);
    if (isCutShort) return;
    if (summary.lost.length > 0) process.exitCode = FAILURE;
    if (summary.skipped.length > 0 && !isAnyJudged(modules)) this.#noVerdict(summary.skipped);
    this.#complain(missingClaims(pass.claims, modules));
  }

  #summary(
    outcome: Omit<PassOutcome, 'unfit' | 'pending'> & Pick<PassSummary, 'notJudged'>,
    lost: PassSummary['lost'],
  ): PassSummary {
    return {
      ...outcome,
      lost,
      reuse: this.#source.reuse,
      typedBefore: typedBefore(process.env),
      typedSelection: typedSelection(this.#vitest),
      artifacts: this.#artifacts(),
      elapsedMs: this.#pass.elapsedMs,
    };
  }

  /** The page of a job is a courtesy: what the pass came to stands without it. */
  #reportToJob(summary: PassSummary): void {
    try {
      appendStepSummary(this.#vitest, summary, process.env);
    } catch (thrown) {
      this.#print(` ${paint('yellow', 'warning')} the summary of the job was not written: ${messageOf(thrown)}`);
    }
  }

  /** Nothing of ours was to run. Unless something else did, somebody asked for what is not there. */
  #explainNothing(modules: readonly TestModule[], isFirst: boolean): void {
    if (isAnyJudged(modules)) return;
    const ofShard = this.#source.explainEmptyShard();
    const nothing = this.#source.selected().length === 0 ? this.#source.explainEmpty() : null;
    if (!isFirst) this.#explainAgain(nothing ?? []);
    else if (ofShard !== null) this.#print(` ${ofShard}`);
    else if (nothing !== null) this.#complain(nothing);
    else if (modules.length === 0 && !this.#mayFindNothing) {
      this.#complain(['no test file matches - look at the files with `vitest list --filesOnly`']);
    }
    this.#explained = (nothing ?? []).join('\n');
  }

  /** Later passes of watch mode are about what was edited, or about words that were typed: other ones are told once. */
  #explainAgain(why: readonly string[]): void {
    if (why.join('\n') === this.#explained) return;
    for (const [at, line] of why.entries()) this.#print(` ${at === 0 ? paint('red', line) : line}`);
    if (why.length > 0) this.#print('');
  }

  #printHeader(): void {
    const { configFiles, cells, warnings } = this.#source.plan();
    const { reuse, shard } = this.#source;
    const { claims } = this.#pass;
    const selectedCells = new Set(claims.map(({ planned }) => planned.cell.key)).size;
    const counts = [
      counted(configFiles.length, 'config'),
      `${selectedCells} of ${counted(cells.length, 'cell')}`,
      counted(claims.length, 'claim'),
      `artifacts ${this.#artifacts()}/`,
      ...(reuse === 'off' ? [] : [`reuse ${reuse}`]),
      ...(shard === null ? [] : [`shard ${shard.index}/${shard.count}`]),
    ];
    for (const line of wrapped(counts, ` ${paint('bold', 'assay')}  `)) this.#print(line);
    for (const warning of warnings) this.#print(` ${paint('yellow', 'warning')} ${formatProblem(warning)}`);
    this.#print('');
  }

  /** Nothing failed, and nothing was found out either: a gate must not take that for a pass. */
  #noVerdict(skipped: PassSummary['skipped']): void {
    const reasons = [...new Set(skipped.map(({ reason }) => reason))];
    const count = skipped.length === 1 ? 'the one cell was' : `all ${skipped.length} cells were`;
    const more = reasons.length > REASONS_SHOWN ? `; and ${reasons.length - REASONS_SHOWN} more` : '';
    const why = `${reasons.slice(0, REASONS_SHOWN).join('; ')}${more}`;
    const first = ` ${paint('red', 'no verdict')}: `;
    for (const line of paragraph(`${count} skipped - ${why}`, { first, indent: '   ' })) this.#print(line);
    // An error or an earlier pass of watch mode may have failed already, which tells more.
    process.exitCode ||= NO_VERDICT;
  }

  /** What did not happen although it was asked for is a failure, whatever the other tests say. */
  #complain([what, ...more]: readonly string[]): void {
    if (what === undefined) return;
    this.#print(` ${paint('red', what)}`);
    for (const line of more) this.#print(` ${line}`);
    process.exitCode = FAILURE;
  }

  #artifacts(): string {
    return relative(process.cwd(), this.#source.plan().artifacts);
  }

  #print(line: string): void {
    printLine(this.#vitest, line);
  }
}

function isAnyJudged(modules: readonly TestModule[]): boolean {
  for (const test of testsIn(modules)) if (test.result().state !== 'skipped') return true;
  return false;
}
