import { stripVTControlCharacters } from 'node:util';
import { clip } from '../../../core/display-width.ts';
import { unitOfVerdict } from '../../../evidence/verdict.ts';
import { shellWord } from '../../../exec/shell-quote.ts';
import { paint } from '../../screen/paint.ts';
import { counted, named, paragraph, WIDTH } from './layout.ts';
import { signed } from './margin.ts';
import type { FailedClaim, JudgedRun, NamedCell, PassSummary } from './pass-summary.ts';
import { hasClaims, unclaimedFailures, waysToFail } from './ways.ts';
import type { Way } from './ways.ts';

const WAYS_SHOWN = 12;
const CELLS_NAMED = 4;
const NAMES_SHOWN = 3;
const MESSAGE_LINES = 3;

/** What failed, each cause once, with the next command to type. */
export function failureLines(summary: PassSummary): readonly string[] {
  const ways = waysToFail(summary);
  const failed = summary.claims.failed.length;
  const heading =
    failed === 0
      ? unclaimedFailures(summary)
      : `${counted(failed, 'claim')} failed in ${counted(ways.filter(hasClaims).length, 'way')}`;
  const hidden = ways.length - WAYS_SHOWN;
  return [
    ...(heading === null ? [] : ['', ` ${paint('red', heading)}`]),
    ...ways.slice(0, WAYS_SHOWN).flatMap((way) => ['', ...linesOf(way, summary)]),
    ...(hidden > 0 ? ['', ` … and in ${counted(hidden, 'more way')}`] : []),
  ];
}

function linesOf(way: Way, summary: PassSummary): readonly string[] {
  switch (way.kind) {
    case 'run':
      return runLines(way, summary);
    case 'missed':
      return missedLines(way, summary);
    case 'other':
      return otherLines(way, summary);
  }
}

function runLines(
  { cause, runs, claims }: Extract<Way, { kind: 'run' }>,
  { typedBefore }: PassSummary,
): readonly string[] {
  const [first] = runs;
  if (first === undefined) return [];
  const cells = runs.map(({ manifest }) => ({ testId: manifest.test_id, cellId: manifest.cell_id }));
  const about = claims === 0 ? '' : `, ${counted(claims, 'claim')}`;
  return [
    ...headline(cells, `${cause.what}${about}`),
    ...(cause.message === '' ? [] : paragraph(cause.message, '   ')),
    ...(first.manifest.failure?.evidence.flatMap((line) => paragraph(line, '   | ')) ?? []),
    ...cellNames(cells),
    ...commands({
      'look closer': `less ${logsOf(first)}`,
      rerun: `${typedBefore}npx vitest run -t "${first.manifest.test_id} ${first.manifest.cell_id}"`,
    }),
  ];
}

/** What tells most of a failed run: what its processes wrote, or what happened before there were any. */
function logsOf({ manifest: { sidecars }, folder }: JudgedRun): string {
  const hasLogs = Object.keys(sidecars).some((path) => path.startsWith('logs/'));
  return `${folder}/${hasLogs ? 'logs/*' : 'events.jsonl'}`;
}

function missedLines(
  { name, claims }: Extract<Way, { kind: 'missed' }>,
  { typedBefore }: PassSummary,
): readonly string[] {
  const [worst] = claims;
  if (worst === undefined) return [];
  const { margin, detail, source } = worst.missed;
  const unit = unitOfVerdict(worst.missed);
  const by =
    margin === null ? '' : `, ${claims.length > 1 ? 'worst ' : ''}margin ${`${signed(margin)} ${unit}`.trimEnd()}`;
  return [
    ...headline(claims, `${name} missed${by}`),
    ...paragraph(detail, '   '),
    ...cellNames(claims),
    ...commands({
      threshold: source ?? null,
      evidence: worst.folder,
      again: `${typedBefore}npx assay verify --only-cells ${shellWord(`${worst.testId}/${worst.cellId}`)}`,
      rerun: `${typedBefore}npx vitest run -t "${name} ${worst.testId} ${worst.cellId}"`,
    }),
  ];
}

function otherLines(
  { name, claims }: Extract<Way, { kind: 'other' }>,
  { typedBefore }: PassSummary,
): readonly string[] {
  const [first] = claims;
  if (first === undefined) return [];
  const names = named(name.split(', '), NAMES_SHOWN);
  return [
    ...headline(claims, `${names} failed`),
    ...messageLines(first),
    ...cellNames(claims),
    ...commands({
      evidence: first.folder,
      rerun: `${typedBefore}npx vitest run -t "${first.name} ${first.testId} ${first.cellId}"`,
    }),
  ];
}

/**
 * The first line of what a claim says: of a long one the beginning, with a mark. What kept a run away is whole: it
 * ends in what to do about it.
 */
function messageLines({ message, folder }: FailedClaim): readonly string[] {
  const lines = paragraph(message.split('\n')[0] ?? '', '   ');
  if (folder === null || lines.length <= MESSAGE_LINES) return lines;
  const last = lines.slice(MESSAGE_LINES - 1, MESSAGE_LINES + 1).map((line) => stripVTControlCharacters(line).trim());
  return [...lines.slice(0, MESSAGE_LINES - 1), clip(`   ${last.join(' ')}`, WIDTH)];
}

/** ` ✗ balanced-conc4   failed_setup in launch` or, of several, their number. */
function headline(cells: readonly NamedCell[], what: string): readonly string[] {
  const keys = new Set(cells.map(({ testId, cellId }) => `${testId}/${cellId}`));
  const which = keys.size === 1 ? cells[0]?.cellId : `${keys.size} cells`;
  return paragraph(what, { first: ` ${paint('red', '✗')} ${which}   `, indent: '   ' });
}

/** The names of several cells; those of several configs each with its own. */
function cellNames(cells: readonly NamedCell[]): readonly string[] {
  const isOneConfig = new Set(cells.map(({ testId }) => testId)).size === 1;
  const names = new Set(cells.map(({ testId, cellId }) => (isOneConfig ? cellId : `${testId}/${cellId}`)));
  return names.size < 2 ? [] : paragraph(named([...names], CELLS_NAMED), '   ');
}

/** What to look at and what to type next; nothing of what is null. */
function commands(entries: Readonly<Record<string, string | null>>): readonly string[] {
  return Object.entries(entries).flatMap(([what, text]) =>
    text === null ? [] : [`   ${paint('dim', what.padEnd('look closer'.length))}  ${text}`],
  );
}
