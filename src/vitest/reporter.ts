import { relative } from 'node:path';
import type { Reporter, TestModule, TestRunEndReason, Vitest } from 'vitest/node';
import { formatProblem } from '../config/yaml/problem.ts';
import { readManifest } from '../evidence/run-reader.ts';
import { asJudgedBy } from '../evidence/verification.ts';
import type { PlannedCell, SessionPlan } from '../session/plan.ts';
import type { Hit, ReuseMode } from '../session/stored/reuse.ts';
import type { SessionEvent } from '../session/run.ts';
import { titleOf } from '../session/planned-claim.ts';
import type { PlannedClaim } from '../session/planned-claim.ts';
import { paint } from './paint.ts';
import { printLine } from './print.ts';
import { ProgressLines } from './progress.ts';
import { summaryLines } from './summary.ts';
import type { SessionRun, SessionSummary } from './summary.ts';

/** The exit code of a session that judged nothing, as for every command of ours. */
const NO_VERDICT = 3;

/** Of many claims that went missing the first few tell enough. */
const COMPLAINTS_SHOWN = 5;
const REASONS_SHOWN = 3;

/** What the reporter asks of the session it reports on. */
export interface ReportedSession {
  readonly reuse: ReuseMode;
  /** Leaves evidence of the cells that were asked for and not run. */
  readonly recordSkips: (cells: readonly PlannedCell[]) => Promise<void>;
  /** Waits for a stop that somebody asked for; answers whether somebody did. */
  readonly untilStopped: () => Promise<boolean>;
}

/** Shows cells while they run, and what the session came to. */
export class AssayReporter implements Reporter {
  readonly #vitest: Vitest;
  readonly #plan: SessionPlan;
  readonly #session: ReportedSession;
  readonly #progress: ProgressLines;
  #selected: readonly PlannedClaim[] = [];
  #ended: RunOfSession[] = [];
  /** The stored runs that stand for launches. */
  #reused: (RunOfSession & Pick<Hit, 'judgedAgain'>)[] = [];
  /** Why no stored run stands for a cell, by its key. */
  readonly #misses = new Map<string, string>();
  /** Cells that were launched for that reason. */
  #missed: SessionSummary['missed'][number][] = [];
  /** Cells that were to run and were not launched after all, with why. */
  #refused: PlannedCell[] = [];
  readonly #ran = new Set<string>();
  #startedMs = performance.now();

  constructor(vitest: Vitest, plan: SessionPlan, session: ReportedSession) {
    this.#vitest = vitest;
    this.#plan = plan;
    this.#session = session;
    this.#progress = new ProgressLines((line) => this.#print(line));
  }

  /** Takes note of the claims that a project is going to register. */
  expect(selected: readonly PlannedClaim[]): void {
    this.#selected = [...this.#selected, ...selected];
  }

  onSessionEvent(event: SessionEvent): void {
    this.#progress.onEvent(event);
    switch (event.type) {
      case 'ended':
        this.#ended.push(event);
        break;
      case 'reused':
        this.#reused.push(event);
        break;
      case 'refused':
        this.#refused.push({ ...event.planned, skip: event.skip });
        break;
      case 'missed':
        this.#misses.set(event.planned.cell.key, event.miss.reason);
        if (event.skip === null) return;
        this.#refused.push({ ...event.planned, skip: event.skip });
        break;
      case 'started':
        this.#launched(event.planned);
        return;
      default:
        return;
    }
    this.#ran.add(event.planned.cell.key);
  }

  #launched(planned: PlannedCell): void {
    const reason = this.#misses.get(planned.cell.key);
    if (reason !== undefined) this.#missed.push({ ...nameOf(planned), reason });
  }

  onTestRunStart(): void {
    this.#ended = [];
    this.#refused = [];
    this.#reused = [];
    this.#missed = [];
    this.#startedMs = performance.now();
    const { configFiles, cells, warnings } = this.#plan;
    const selectedCells = new Set(this.#selected.map(({ planned }) => planned.cell.key)).size;
    const counts = [
      `${configFiles.length} ${configFiles.length === 1 ? 'config' : 'configs'}`,
      `${selectedCells} of ${cells.length} cells`,
      `${this.#selected.length} ${this.#selected.length === 1 ? 'claim' : 'claims'}`,
      `artifacts ${this.#artifacts()}/`,
      ...(this.#session.reuse === 'off' ? [] : [`reuse ${this.#session.reuse}`]),
    ];
    this.#print(` ${paint('bold', 'assay')}  ${counts.join(' · ')}`);
    for (const warning of warnings) this.#print(` ${paint('yellow', 'warning')} ${formatProblem(warning)}`);
    this.#print('');
  }

  async onTestRunEnd(modules: readonly TestModule[], _errors: unknown, reason: TestRunEndReason): Promise<void> {
    const isStopped = await this.#session.untilStopped();
    const unfit = this.#skipped();
    await this.#session.recordSkips(unfit);
    const skipped = [...unfit, ...this.#refused];
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    // Another project of this Vitest may have claims of its own.
    const own = new Set(this.#selected.map(titleOf));
    const claims = tests.filter((test) => test.meta().assay !== undefined && own.has(test.name));
    const lines = summaryLines({
      runs: this.#ended.map(readRun),
      reused: this.#reused.map((reused) => ({ ...readRun(reused), judgedAgain: reused.judgedAgain })),
      missed: this.#missed,
      reuse: this.#session.reuse,
      benchmarks: new Set(this.#selected.map(({ claim }) => claim.benchmark)),
      skipped: skipped.flatMap(({ cell, skip }) =>
        skip === null ? [] : [{ ...nameOf({ cell }), reason: skip.detail }],
      ),
      notRun: isStopped ? this.#notRun().map(nameOf) : [],
      claims: {
        passed: claims.filter((test) => test.result().state === 'passed').length,
        failed: claims.filter((test) => test.result().state === 'failed').length,
      },
      artifacts: this.#artifacts(),
      elapsedMs: performance.now() - this.#startedMs,
    });
    for (const line of lines) this.#print(line);
    // What was left undone because somebody asked for it is no news.
    if (isStopped || reason === 'interrupted') return;
    const isJudged = tests.some((test) => test.result().state !== 'skipped');
    if (skipped.length > 0 && !isJudged) this.#noVerdict(skipped);
    for (const complaint of complaints(this.#selected, modules)) this.#complain(complaint);
  }

  /** Nothing failed, and nothing was found out either: a gate must not take that for a pass. */
  #noVerdict(skipped: readonly PlannedCell[]): void {
    const reasons = [...new Set(skipped.flatMap(({ skip }) => skip?.detail ?? []))];
    const count = skipped.length === 1 ? 'the one cell was' : `all ${skipped.length} cells were`;
    const more = reasons.length > REASONS_SHOWN ? `; and ${reasons.length - REASONS_SHOWN} more` : '';
    const why = `${reasons.slice(0, REASONS_SHOWN).join('; ')}${more}`;
    this.#print(` ${paint('red', 'no verdict')}: ${count} skipped - ${why}`);
    process.exitCode = NO_VERDICT;
  }

  /** What did not happen although it was asked for is a failure, whatever the other tests say. */
  #complain(complaint: string): void {
    this.#print(` ${paint('red', complaint)}`);
    process.exitCode = 1;
  }

  #skipped(): readonly PlannedCell[] {
    const cells = new Map(this.#selected.map(({ planned }) => [planned.cell.key, planned]));
    return [...cells.values()].filter(({ skip }) => skip !== null);
  }

  /** The cells whose turn never came. */
  #notRun(): readonly PlannedCell[] {
    const cells = new Map(this.#selected.map(({ planned }) => [planned.cell.key, planned]));
    return [...cells.values()].filter(({ skip, cell }) => skip === null && !this.#ran.has(cell.key));
  }

  #artifacts(): string {
    return relative(process.cwd(), this.#plan.artifacts);
  }

  #print(line: string): void {
    printLine(this.#vitest, line);
  }
}

interface RunOfSession {
  readonly planned: PlannedCell;
  readonly folder: string;
}

/** A run as this session judged it, though another one may have judged it by its own thresholds since. */
function readRun({ planned, folder }: RunOfSession): SessionRun {
  const manifest = asJudgedBy(folder, readManifest(folder), planned.identity.verificationHash);
  return { manifest, folder: relative(process.cwd(), folder) };
}

function nameOf({ cell }: Pick<PlannedCell, 'cell'>): { readonly testId: string; readonly cellId: string } {
  return { testId: cell.workload.test_id, cellId: cell.cellId };
}

/**
 * Why a session that reports no failure is none all the same: nothing was
 * selected, or a loaded file did not register what was selected from it.
 */
function complaints(selected: readonly PlannedClaim[], modules: readonly TestModule[]): readonly string[] {
  const tests = modules.flatMap((module) => [...module.children.allTests()]);
  if (selected.length === 0) {
    const isIdle = tests.every((test) => test.result().state === 'skipped');
    const where = 'look at the names with `vitest list`, at the tags with `vitest --list-tags`';
    return isIdle ? [`no claim selected - ${where}`] : [];
  }
  if (modules.length === 0) return ['no test file matches - look at the files with `vitest list --filesOnly`'];
  const files = new Set(modules.map(({ moduleId }) => moduleId));
  const registered = new Set(tests.map(({ name }) => name));
  return selected
    .filter((selection) => files.has(selection.claim.file) && !registered.has(titleOf(selection)))
    .slice(0, COMPLAINTS_SHOWN)
    .map((selection) => `${titleOf(selection)} was selected and never registered by ${selection.claim.file}`);
}
