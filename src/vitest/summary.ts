import { stripVTControlCharacters } from 'node:util';
import { parseMetricName } from '../config/metric-name.ts';
import { groupBy } from '../core/group-by.ts';
import { formatDuration, formatNumber } from '../core/units.ts';
import type { Manifest } from '../evidence/manifest.ts';
import type { Verdict } from '../evidence/verdict.ts';
import type { JudgedAgain, ReuseMode } from '../session/stored/reuse.ts';
import { paint } from './paint.ts';
import { reuseReasons } from './reuse-lines.ts';

const WIDTH = 80;

// Of many cells with the same warning their number tells enough.
const NAMED_CELLS = 3;

// Taking a lock that nobody holds takes a moment too.
const WORTH_TELLING_S = 1;

/** A run of this session with its directory, relative to where the user stands. */
export interface SessionRun {
  readonly manifest: Manifest;
  readonly folder: string;
}

/** A stored run that stands for a launch. */
interface ReusedRun extends SessionRun {
  readonly judgedAgain: JudgedAgain | null;
}

interface NamedCell {
  readonly testId: string;
  readonly cellId: string;
}

/** A cell that was not run or not reused, and why. */
interface SkippedCell extends NamedCell {
  readonly reason: string;
}

/** What a session came to, as plain data. */
export interface SessionSummary {
  /** What was launched. */
  readonly runs: readonly SessionRun[];
  readonly reuse: ReuseMode;
  readonly reused: readonly ReusedRun[];
  /** Cells that were launched because no stored run stands for them, and why not. */
  readonly missed: readonly SkippedCell[];
  /** The benchmarks of the selected claims: a slice shows what it asked for. */
  readonly benchmarks: ReadonlySet<string | null>;
  /** Cells that were asked for and not run. */
  readonly skipped: readonly SkippedCell[];
  /** Cells whose turn had not come when the session was stopped. */
  readonly notRun: readonly NamedCell[];
  readonly claims: { readonly passed: number; readonly failed: number };
  /** The artifact directory, relative to where the user stands. */
  readonly artifacts: string;
  readonly elapsedMs: number;
}

/** The end-of-session summary: what was judged, how tight it was, where the evidence lies. */
export function summaryLines(summary: SessionSummary): readonly string[] {
  const { runs, reused, missed, skipped, notRun } = summary;
  const judged = [...runs, ...reused];
  if (judged.length === 0 && skipped.length === 0 && notRun.length === 0) return [];
  const configs = groupBy(judged, ({ manifest }) => manifest.test_id);
  return [
    '',
    `${paint('bold', ' Cells')}, and for each benchmark the one nearest to its bound`,
    ...[...configs].flatMap(([testId, ofConfig]) =>
      configLines(
        testId,
        ofConfig.map(({ manifest }) => manifest),
        summary.benchmarks,
      ),
    ),
    ...reasonLines(skipped, paint('yellow', '-'), 'skipped'),
    ...reasonLines(missed, '●', 'launched'),
    ...notRunLines(notRun),
    ...[...groupBy(judged.filter(isFailed), causeOf)].flatMap(([cause, failed]) => failureLines(cause, failed)),
    ...warningLines(judged.map(({ manifest }) => manifest)),
    ...unconfirmedLines(summary),
    '',
    ...wrapped(counts(summary)),
    ...wrapped(costs(summary)),
    ...reuseLines(summary),
    '',
  ];
}

/** Why nothing had to be launched, in as many lines as it takes. */
function reuseLines({ runs, reused, skipped, notRun }: SessionSummary): readonly string[] {
  const reasons = reuseReasons({
    reused: reused.map(({ judgedAgain }) => judgedAgain),
    isAll: [runs, skipped, notRun].every(({ length }) => length === 0),
  });
  const lines = reasons.join('; ').match(/\S{78,}|\S.{0,77}(?=\s|$)/g) ?? [];
  const lacking = skipped.filter(({ reason }) => reason.startsWith('not_cached')).length;
  const next = `${lacking === 1 ? '1 cell has' : `${lacking} cells have`} no stored run: --reuse prefer launches ${lacking === 1 ? 'it' : 'them'}`;
  return [...lines, ...(lacking === 0 ? [] : [next])].map((line) => ` ${line}`);
}

// Each cell may have a reason of its own.
const REASONS_SHOWN = 12;

/** Cells that were dealt with alike for the same reason are told once. */
function reasonLines(cells: readonly SkippedCell[], mark: string, what: string): readonly string[] {
  const alike = groupBy(cells, ({ testId, reason }) => JSON.stringify([testId, reason]));
  const groups = [...alike.values()];
  const hidden = groups.slice(REASONS_SHOWN).reduce((sum, { length }) => sum + length, 0);
  const lines = groups.slice(0, REASONS_SHOWN).flatMap((same) => {
    const [first] = same;
    if (first === undefined) return [];
    const { testId, cellId, reason } = first;
    const which = same.length === 1 ? cellId : `${same.length} cells`;
    return [`   ${mark} ${testId}   ${which} ${what}: ${reason}`];
  });
  return hidden === 0 ? lines : [...lines, `   ${mark} … ${hidden} more ${what}`];
}

function notRunLines(cells: readonly NamedCell[]): readonly string[] {
  return [...groupBy(cells, ({ testId }) => testId)].map(([testId, alike]) => {
    const which = alike.length === 1 ? alike[0]?.cellId : `${alike.length} cells`;
    return `   ${paint('yellow', '■')} ${testId}   ${which} not run: the session was stopped first`;
  });
}

function configLines(
  testId: string,
  manifests: readonly Manifest[],
  selected: SessionSummary['benchmarks'],
): readonly string[] {
  const counts = groupBy(manifests, ({ status }) => status);
  const statuses = [...counts].map(([status, list]) => `${list.length} ${status}`).join(', ');
  const judged = manifests.flatMap((manifest) =>
    manifest.verdicts.map((verdict) => ({ verdict, cell: manifest.cell_id })),
  );
  const asked = groupBy(
    judged.filter(({ verdict }) => selected.has(verdict.benchmark)),
    ({ verdict }) => verdict.benchmark,
  );
  return [
    `   ${testId}   ${statuses}`,
    ...[...asked].map(([name, verdicts]) => tightestLine(name, verdicts)),
    ...missedUnasked(judged.filter(({ verdict }) => !verdict.passed && !selected.has(verdict.benchmark))),
  ];
}

/** A run is judged by all its thresholds; what the slice left out is told apart. */
function missedUnasked(missed: readonly Judged[]): readonly string[] {
  const names = new Set(missed.map(({ verdict }) => verdict.benchmark));
  return names.size === 0 ? [] : [`     ${paint('dim', `not selected, but missed: ${[...names].join(', ')}`)}`];
}

interface Judged {
  readonly verdict: Verdict;
  readonly cell: string;
}

/** One line for a benchmark over all its cells: the one that is nearest to its limit. */
function tightestLine(benchmark: string, judged: readonly Judged[]): string {
  // One that did not pass comes first, whatever its margin: it may lack samples.
  const [tightest] = judged.toSorted(
    (a, b) =>
      Number(a.verdict.passed) - Number(b.verdict.passed) || relativeMargin(a.verdict) - relativeMargin(b.verdict),
  );
  if (tightest === undefined) return '';
  const { verdict, cell } = tightest;
  const margin = verdict.margin === null ? '' : `margin ${signed(verdict.margin)}`;
  const mark = verdict.passed ? paint('green', '✓') : paint('red', '✗');
  return `     ${mark} ${benchmark.padEnd(12)} ${comparison(verdict).padEnd(23)} ${margin.padEnd(16)} ${paint('dim', cell)}`;
}

/** What was found beside what was asked: `31.5 <= 1500 ms`, `4.1434 = 4.1434 ± 0.004`. */
function comparison({ actual, op, expected, margin, metric }: Verdict): string {
  if (actual === null) return 'no data';
  const { unit } = parseMetricName(metric);
  if (op !== 'within') return `${formatNumber(actual)} ${op} ${formatNumber(expected)} ${unit}`.trimEnd();
  const tolerance = (margin ?? 0) + Math.abs(actual - expected);
  return `${formatNumber(actual, 5)} = ${formatNumber(expected, 5)} ± ${formatNumber(tolerance, 1)} ${unit}`.trimEnd();
}

function relativeMargin({ margin, expected }: Verdict): number {
  if (margin === null) return Number.NEGATIVE_INFINITY;
  return margin / Math.max(Math.abs(expected), Number.MIN_VALUE);
}

function signed(value: number): string {
  return `${value >= 0 ? '+' : ''}${formatNumber(value, 3)}`;
}

function isFailed({ manifest: { status } }: SessionRun): boolean {
  return status !== 'passed' && status !== 'recorded';
}

function causeOf({ manifest: { status, failure, interruption } }: SessionRun): string {
  if (interruption !== null) return `${status}: ${interruption}`;
  return failure === null ? status : `${status} in ${failure.originated_in_phase}: ${failure.message}`;
}

/** Cells that failed alike are told once, with the evidence of the first. */
function failureLines(cause: string, failed: readonly SessionRun[]): readonly string[] {
  const [first] = failed;
  return [
    '',
    ` ${paint('red', '✗')} ${failed.map(({ manifest }) => manifest.cell_id).join(', ')}`,
    `   ${cause}`,
    ...(first?.manifest.failure?.evidence.map((line) => `   | ${line}`) ?? []),
    ...failed.map(({ folder }) => `   ${paint('dim', folder)}`),
  ];
}

/** What fails nothing, told once for all the cells that it was seen in. */
function warningLines(manifests: readonly Manifest[]): readonly string[] {
  const seen = manifests.flatMap(({ cell_id: cell, warnings }) => warnings.map((warning) => ({ ...warning, cell })));
  const alike = groupBy(seen, ({ pattern_id: id, source }) => `${id} in ${source}`);
  const lines = [...alike].flatMap(([what, found]) => {
    const cells = found.length > NAMED_CELLS ? `${found.length} cells` : found.map(({ cell }) => cell).join(', ');
    const count = found.reduce((sum, { count: times }) => sum + times, 0);
    return [` ${paint('yellow', '!')} ${cells}   ${what} x${count}`, `   ${paint('dim', found[0]?.hint ?? '')}`];
  });
  return lines.length === 0 ? [] : ['', ...lines];
}

/** Hosts that could not be asked when their run was torn down: something may be running there still. */
function unconfirmedLines({ runs, artifacts }: SessionSummary): readonly string[] {
  const reasons = new Set(runs.flatMap(({ manifest: { teardown } }) => teardown?.unconfirmed ?? []));
  if (reasons.size === 0) return [];
  return [
    '',
    ` ${paint('red', '✗ nobody can say that nothing is left running')}`,
    ...[...reasons].map((reason) => `   ${reason}`),
    `   next: make the hosts reachable, then run assay reap ${artifacts}`,
  ];
}

/** Parts side by side, as many on a line as fit. */
function wrapped(parts: readonly string[]): readonly string[] {
  const lines: string[] = [];
  for (const part of parts) {
    const longer = `${lines.at(-1) ?? ''} · ${part}`;
    if (lines.length > 0 && stripVTControlCharacters(longer).length <= WIDTH) lines.splice(-1, 1, longer);
    else lines.push(` ${part}`);
  }
  return lines;
}

function counts({ runs, reuse, reused, skipped, notRun, claims }: SessionSummary): readonly string[] {
  const manifests = runs.map(({ manifest }) => manifest);
  return [
    `${claims.passed} claims passed`,
    ...(claims.failed > 0 ? [paint('red', `${claims.failed} failed`)] : []),
    ...(reuse === 'off' ? [] : [`${reused.length} reused`]),
    launched(manifests),
    `${skipped.length} skipped`,
    ...(notRun.length > 0 ? [paint('yellow', `${notRun.length} not run`)] : []),
    ...(manifests.length === 0 && reuse !== 'off' ? [] : [leftovers(manifests)]),
  ];
}

/** A run on a server that another run had started says less of what a launch costs. */
function launched(manifests: readonly Manifest[]): string {
  const reusing = manifests.filter(({ launches }) => launches.some(({ reused_from: from }) => from !== null));
  const note = reusing.length === 0 ? '' : ` (${reusing.length} on a server that ran already)`;
  return `${manifests.length} launched${note}`;
}

function costs({ runs, reuse, elapsedMs, artifacts }: SessionSummary): readonly string[] {
  const setupS = runs.reduce(
    (sum, { manifest: { phases } }) => sum + (phases.prepare?.duration_s ?? 0) + (phases.launch?.duration_s ?? 0),
    0,
  );
  const setup = runs.length === 0 && reuse !== 'off' ? '' : `, of which ${formatDuration(setupS * 1000)} setup`;
  return [
    `${formatDuration(elapsedMs)}${setup}`,
    ...waits(runs.map(({ manifest }) => manifest)),
    `evidence in ${artifacts}/`,
  ];
}

/** Cells may wait side by side, so their times make no sum. */
function waits(manifests: readonly Manifest[]): readonly string[] {
  const waited = manifests.map(({ waited_s: seconds }) => seconds ?? 0).filter((seconds) => seconds >= WORTH_TELLING_S);
  if (waited.length === 0) return [];
  const cells = waited.length === 1 ? '1 cell' : `${waited.length} cells`;
  return [`${cells} waited up to ${formatDuration(Math.max(...waited) * 1000)} for nodes`];
}

function leftovers(manifests: readonly Manifest[]): string {
  if (manifests.some(({ teardown }) => (teardown?.unconfirmed.length ?? 0) > 0)) {
    return paint('red', 'something may be left running');
  }
  const orphans = manifests.map(({ teardown }) => teardown?.orphans ?? null);
  if (orphans.some((count) => count === null)) return 'leftovers not checked on this host';
  const count = orphans.reduce<number>((sum, one) => sum + (one ?? 0), 0);
  return count === 0 ? 'nothing left running' : `${count} leftover ${count === 1 ? 'process' : 'processes'} removed`;
}
