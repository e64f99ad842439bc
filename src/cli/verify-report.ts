import { groupBy } from '../core/group-by.ts';
import { formatNumber } from '../core/units.ts';
import type { Status } from '../evidence/failure.ts';
import { unitOfVerdict } from '../evidence/verdict.ts';
import type { Verdict } from '../evidence/verdict.ts';
import type { VerdictChange } from '../session/stored/rejudge.ts';
import type { JudgedOutcome, StoredOutcome } from '../session/stored/stored-cells.ts';
import {
  cellDocument,
  counted,
  onScreen,
  problemDocument,
  problemLines,
  runDocument,
  shortened,
} from './stored-runs.ts';

/** What of the stored runs was asked for. */
export interface VerifyScope {
  /** Whether only some cells were. */
  readonly isPartial: boolean;
  readonly isDryRun: boolean;
  /** Whether Ctrl-C left some of them out. */
  readonly isStopped: boolean;
}

/** Whether no enforced threshold is missed. */
export function isGood(status: Status): boolean {
  return status === 'passed' || status === 'recorded';
}

/** What changed, per cell and run, and what it comes to. */
export function describeOutcomes(outcomes: readonly StoredOutcome[], scope: VerifyScope): string {
  const changed = outcomes.filter((outcome) => outcome.state === 'judged').filter(hasTurned);
  // Of many that are not shown none should fail.
  const failedFirst = changed.toSorted((one, other) => Number(isGood(one.after)) - Number(isGood(other.after)));
  const cells = [...groupBy(failedFirst, ({ key }) => key)];
  const damaged = outcomes.flatMap((outcome) => (outcome.state === 'problem' ? [outcome.error] : []));
  return `${[
    ...shortened(
      cells,
      ([key, runs]) => [key, ...shortened(runs, linesOfRun, { most: RUNS_SHOWN, indent: '   ' }), ''],
      { noun: 'cell' },
    ),
    ...shortened(damaged, problemLines, { noun: 'problem' }),
    ...summaryLines(outcomes, scope),
  ].join('\n')}\n`;
}

/** Of each cell. */
const RUNS_SHOWN = 5;

/** Whether more than a margin has changed. */
function hasTurned({ before, after, changes }: JudgedOutcome): boolean {
  return before !== after || changes.some((change) => change.before?.outcome !== change.after?.outcome);
}

function linesOfRun({ folder, startedAt, before, after, changes }: JudgedOutcome): readonly string[] {
  const status = before === after ? after : `${before} -> ${after}`;
  const began = startedAt.slice(0, 16).replace('T', ' ');
  const width = Math.max(0, ...changes.map(({ benchmark }) => benchmark.length));
  return [
    ` ${isGood(after) ? '✓' : '✗'} ${began}  ${status}  ${onScreen(folder)}`,
    ...changes.map((change) => `     ${change.benchmark.padEnd(width)}  ${describeChange(change)}`),
  ];
}

/** `failed -> passed  margin -23.4 -> +10.1 ms (limit 50 -> 90)` */
function describeChange({ before, after }: VerdictChange): string {
  if (after === null) return `${before?.outcome} -> no longer judged`;
  const [outcome, margin, limit] = [outcomeOf, marginOf, limitOf].map((part) =>
    [...new Set([...(before === null ? [] : [part(before)]), part(after)])].join(' -> '),
  );
  const unit = unitOfVerdict(after);
  const news = before === null ? 'not judged -> ' : '';
  return `${news}${outcome}  margin ${margin}${unit === '' ? '' : ` ${unit}`} (limit ${limit})`;
}

const outcomeOf = ({ outcome }: Verdict): string => outcome.replace('_', ' ');
const limitOf = ({ expected }: Verdict): string => formatNumber(expected);

function marginOf({ margin }: Verdict): string {
  if (margin === null) return 'none';
  return `${margin > 0 ? '+' : ''}${formatNumber(margin)}`;
}

function summaryLines(outcomes: readonly StoredOutcome[], { isPartial, isDryRun, isStopped }: VerifyScope): string[] {
  const totals = totalsOf(outcomes);
  const notJudged = outcomes.flatMap((outcome) => (outcome.state === 'not_judged' ? [outcome.status] : []));
  const reasons = [...groupBy(notJudged, (status) => status)].map(([status, { length }]) =>
    length === notJudged.length ? status : `${length} ${status}`,
  );
  const parts = [
    `${counted(totals.judged, 'run')} re-judged`,
    ...some(totals.now_pass, totals.now_pass === 1 ? 'now passes' : 'now pass'),
    ...some(totals.now_fail, totals.now_fail === 1 ? 'now fails' : 'now fail'),
    ...some(totals.changed_otherwise, 'changed otherwise'),
    ...some(totals.unchanged, 'unchanged'),
    ...some(totals.no_cell, noCell(totals.no_cell, isPartial)),
    ...some(totals.not_judged, `not judged (${reasons.join(', ')})`),
    ...some(totals.problems, 'could not be judged'),
  ];
  return [
    parts.join(', '),
    ...(isStopped ? ['Stopped between two runs: the rest is as it was.'] : []),
    ...(totals.judged === 0 ? [] : ["Nothing was launched: today's thresholds were held against the recorded rows."]),
    ...(isDryRun ? ['Nothing was written: leave out --dry-run to keep these verdicts.'] : []),
  ];
}

function noCell(count: number, isPartial: boolean): string {
  if (isPartial) return 'of other cells';
  return `${count === 1 ? 'has' : 'have'} no cell in today's configs`;
}

function some(count: number, what: string): readonly string[] {
  return count === 0 ? [] : [`${count} ${what}`];
}

/** How many runs became what. */
interface VerifyTotals {
  readonly judged: number;
  readonly now_pass: number;
  readonly now_fail: number;
  /** As good or bad as before, but by other verdicts. */
  readonly changed_otherwise: number;
  readonly unchanged: number;
  readonly no_cell: number;
  readonly not_judged: number;
  readonly problems: number;
}

function totalsOf(outcomes: readonly StoredOutcome[]): VerifyTotals {
  const count = (state: StoredOutcome['state']): number => outcomes.filter((outcome) => outcome.state === state).length;
  const judged = outcomes.filter((outcome) => outcome.state === 'judged');
  const turned = judged.filter(hasTurned);
  const nowPass = turned.filter(({ before, after }) => !isGood(before) && isGood(after)).length;
  const nowFail = turned.filter(({ before, after }) => isGood(before) && !isGood(after)).length;
  return {
    judged: judged.length,
    now_pass: nowPass,
    now_fail: nowFail,
    changed_otherwise: turned.length - nowPass - nowFail,
    unchanged: judged.length - turned.length,
    no_cell: count('no_cell'),
    not_judged: count('not_judged'),
    problems: count('problem'),
  };
}

/** The document of `assay verify --json`. */
export function outcomesDocument(outcomes: readonly StoredOutcome[], { isDryRun, isStopped }: VerifyScope): unknown {
  return {
    runs: outcomes.map(documentOf),
    totals: totalsOf(outcomes),
    dry_run: isDryRun,
    stopped: isStopped,
    launched: 0,
  };
}

function documentOf(outcome: StoredOutcome): unknown {
  const { state, folder } = outcome;
  const run = runDocument(folder);
  switch (outcome.state) {
    case 'judged': {
      const { key, startedAt, before, after, changes } = outcome;
      return { ...run, ...cellDocument(key), timestamp_start: startedAt, state, status: { before, after }, changes };
    }
    case 'not_judged':
      return { ...run, state, status: { before: outcome.status, after: outcome.status } };
    case 'no_cell':
      return { ...run, ...cellDocument(outcome.key), state };
    case 'problem':
      return { ...run, state, problem: problemDocument(outcome.error) };
  }
}
