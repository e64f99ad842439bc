import { appendFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';
import type { Vitest } from 'vitest/node';
import { counted } from './summary/layout.ts';
import { comparison, signed, tightestOf } from './summary/margin.ts';
import { isFailedRun, judgedRuns } from './summary/pass-summary.ts';
import type { JudgedRun, PassSummary } from './summary/pass-summary.ts';
import { unclaimedFailures, waysToFail } from './summary/ways.ts';
import type { Way } from './summary/ways.ts';

const ROWS_SHOWN = 100;
const WAYS_SHOWN = 20;

/** Adds a pass to the page of a GitHub job, where there is one. */
export function appendStepSummary(
  { config }: Pick<Vitest, 'config'>,
  summary: PassSummary,
  env: Readonly<Record<string, string | undefined>>,
): void {
  const path = env['GITHUB_STEP_SUMMARY'] ?? '';
  const isReported = config.reporters.some((entry) => Array.isArray(entry) && entry[0] === 'github-actions');
  if (path === '' || !(isReported || env['GITHUB_ACTIONS'] === 'true')) return;
  appendFileSync(path, stepSummary(summary));
}

/** A pass as Markdown: its cells, those that failed first, and each cause of failure once. */
export function stepSummary(summary: PassSummary): string {
  const { claims, skipped, runs, reused } = summary;
  const failed = claims.failed.length;
  const cells = [...judgedRuns(summary)].sort((one, other) => Number(isFailedRun(other)) - Number(isFailedRun(one)));
  const rows = [
    ...cells.map(judgedRow),
    ...skipped.map(({ testId, cellId, reason }) => row(`${testId}/${cellId}`, 'skipped', reason)),
  ];
  const hidden = rows.length - ROWS_SHOWN;
  const ways = waysToFail(summary);
  const unclaimed = unclaimedFailures(summary);
  return [
    `### Assay: ${counted(claims.passed, 'claim')} passed, ${failed} failed`,
    '',
    `${runs.length} launched · ${reused.length} reused · ${skipped.length} skipped`,
    '',
    ...(unclaimed === null ? [] : [`**${unclaimed}.**`, '']),
    ...(rows.length === 0 ? [] : [row('Cell', 'Status', 'Tightest'), '| --- | --- | --- |']),
    ...rows.slice(0, ROWS_SHOWN),
    ...(hidden > 0 ? ['', `… and ${counted(hidden, 'more cell')}`] : []),
    '',
    ...ways.slice(0, WAYS_SHOWN).map(wayLine),
    ...(ways.length > WAYS_SHOWN ? [`- … and in ${counted(ways.length - WAYS_SHOWN, 'more way')}`] : []),
    '',
  ].join('\n');
}

function judgedRow({ manifest }: JudgedRun): string {
  const { test_id: testId, cell_id: cell, status, verdicts } = manifest;
  const tightest = tightestOf(verdicts.map((verdict) => ({ verdict, cell })))?.verdict;
  if (tightest === undefined) return row(`${testId}/${cell}`, status, '');
  const margin = tightest.margin === null ? '' : `, margin ${signed(tightest.margin)}`;
  return row(`${testId}/${cell}`, status, `${tightest.benchmark} ${comparison(tightest)}${margin}`);
}

function row(...texts: readonly string[]): string {
  return `| ${texts.map(escaped).join(' | ')} |`;
}

function wayLine(way: Way): string {
  switch (way.kind) {
    case 'run': {
      const cells = way.runs.map(({ manifest }) => manifest.cell_id);
      return wayItem(cells, way.cause.what, way.cause.message);
    }
    case 'missed':
      return wayItem(namesOf(way.claims), `${way.name} missed`, way.claims[0]?.missed.detail ?? '');
    case 'other':
      return wayItem(namesOf(way.claims), `${way.name} failed`, way.claims[0]?.message.split('\n')[0] ?? '');
  }
}

function namesOf(claims: readonly { readonly cellId: string }[]): readonly string[] {
  return [...new Set(claims.map(({ cellId }) => cellId))];
}

function wayItem(cells: readonly string[], what: string, message: string): string {
  const which = cells.length === 1 ? (cells[0] ?? '') : counted(cells.length, 'cell');
  return `- **${escaped(which)}** ${escaped(what)}${message === '' ? '' : `: ${escaped(message)}`}`;
}

/** A text that Markdown and HTML leave as it is, on one line. */
function escaped(text: string): string {
  return stripVTControlCharacters(text)
    .replaceAll(/\s+/g, ' ')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll(/[\\`*_[\]|]/g, String.raw`\$&`);
}
