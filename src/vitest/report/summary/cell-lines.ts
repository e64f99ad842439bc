import { groupBy } from '../../../core/group-by.ts';
import type { Manifest } from '../../../evidence/manifest.ts';
import { paint } from '../../screen/paint.ts';
import { counted, WIDTH, widthOf } from './layout.ts';
import { comparison, signed, tightestOf } from './margin.ts';
import type { CellVerdict } from './margin.ts';
import { isFailedRun, judgedRuns } from './pass-summary.ts';
import type { JudgedRun, PassSummary } from './pass-summary.ts';

const CONFIGS_SHOWN = 20;

/** What became of the cells of each config, and for each benchmark the cell that is nearest to its bound. */
export function cellLines(summary: PassSummary): readonly string[] {
  const configs = [...groupBy(judgedRuns(summary), ({ manifest }) => manifest.test_id)];
  if (configs.length === 0) return ['', paint('bold', ' Cells')];
  // Of many that are not shown none should fail.
  const failedFirst = configs.toSorted(([, one], [, other]) => Number(allGood(one)) - Number(allGood(other)));
  const hidden = failedFirst.slice(CONFIGS_SHOWN).flatMap(([, runs]) => runs);
  return [
    '',
    `${paint('bold', ' Cells')}, and for each benchmark the one nearest to its bound`,
    ...failedFirst.slice(0, CONFIGS_SHOWN).flatMap(([testId, runs]) => [
      `   ${testId}   ${statuses(runs)}`,
      ...benchmarkLines(
        runs.map(({ manifest }) => manifest),
        summary.benchmarks,
      ),
    ]),
    ...(hidden.length === 0
      ? []
      : [`   … ${counted(configs.length - CONFIGS_SHOWN, 'more config')}   ${statuses(hidden)}`]),
  ];
}

function allGood(runs: readonly JudgedRun[]): boolean {
  return !runs.some(isFailedRun);
}

function statuses(runs: readonly JudgedRun[]): string {
  const byStatus = groupBy(runs, ({ manifest: { status } }) => status);
  return [...byStatus].map(([status, { length }]) => `${length} ${status}`).join(', ');
}

function benchmarkLines(manifests: readonly Manifest[], selected: PassSummary['benchmarks']): readonly string[] {
  const judged = manifests.flatMap(({ cell_id: cell, verdicts }) => verdicts.map((verdict) => ({ verdict, cell })));
  const asked = groupBy(
    judged.filter(({ verdict }) => selected.has(verdict.benchmark)),
    ({ verdict }) => verdict.benchmark,
  );
  const width = Math.max(12, ...[...asked.keys()].map((name) => name.length));
  return [
    ...[...asked].map(([name, verdicts]) => tightestLine(name.padEnd(width), verdicts)),
    ...missedUnasked(judged.filter(({ verdict }) => !verdict.passed && !selected.has(verdict.benchmark))),
  ];
}

/** A run is judged by all its thresholds; what the slice left out is told apart. */
function missedUnasked(missed: readonly CellVerdict[]): readonly string[] {
  const names = new Set(missed.map(({ verdict }) => verdict.benchmark));
  return names.size === 0 ? [] : [`     ${paint('dim', `not selected, but missed: ${[...names].join(', ')}`)}`];
}

function tightestLine(name: string, judged: readonly CellVerdict[]): string {
  const tightest = tightestOf(judged);
  if (tightest === undefined) return '';
  const { verdict, cell } = tightest;
  const margin = verdict.margin === null ? '' : `margin ${signed(verdict.margin)}`;
  const mark = verdict.passed ? paint('green', '✓') : paint('red', '✗');
  const [found, where] = [comparison(verdict), paint('dim', cell)];
  const line = `     ${mark} ${name} ${found.padEnd(23)} ${margin.padEnd(16)} ${where}`;
  return widthOf(line) <= WIDTH
    ? line
    : `     ${[mark, name, found, margin, where].join(' ').replaceAll(/ {2,}/g, ' ')}`;
}
