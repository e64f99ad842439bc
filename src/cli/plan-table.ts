import { groupBy } from '../core/group-by.ts';
import { formatDuration } from '../core/units.ts';
import type { PlanReport, PlanTotals, ReportedCell } from '../session/plan-report.ts';
import { SCREEN, wrap } from './wrap.ts';

/** More cells in a row that say the same are shown by the first of them. */
const LONGEST_BLOCK = 40;
const BLOCK_SHOWN = 20;
const NODES_SHOWN = 4;

/** A wider text pushes the columns behind it to the right, in its own row only. */
const WIDEST_COLUMN = 32;

/** A plan for people: its cells by config, who plays which role, and what it comes to. */
export function planTable({ cells, totals }: PlanReport): string {
  const sections = [...groupBy(cells, ({ config, test_id: testId }) => `${config} ${testId}`).values()].map(
    (ofConfig) => ({ heading: headingOf(ofConfig), lines: collapse(ofConfig) }),
  );
  const rows = sections.flatMap(({ lines }) => lines.filter((line) => typeof line !== 'string'));
  const widths = [
    widthOf([HEAD.id, ...rows.map(({ id }) => id)]),
    widthOf([...HEAD.binding, ...rows.flatMap(({ binding }) => binding)]),
    HEAD.claims.length,
    widthOf([HEAD.estimate, ...rows.map(({ estimate }) => estimate)]),
    HEAD.cached.length,
  ];
  const lines = [
    ...printRow(HEAD, widths),
    ...sections.flatMap((section) => [
      '',
      ...section.heading,
      ...section.lines.flatMap((line) => (typeof line === 'string' ? [line] : printRow(line, widths))),
    ]),
    '',
    ...wrap(` ${summaryOf(totals)}`, '   '),
  ];
  return `${lines.join('\n')}\n`;
}

/** One cell as it is shown. */
export interface Row {
  readonly id: string;
  /** One line for each role. */
  readonly binding: readonly string[];
  readonly claims: string;
  readonly estimate: string;
  readonly cached: string;
  readonly note: string;
}

const HEAD: Row = {
  id: 'cell',
  binding: ['role -> node'],
  claims: 'claims',
  estimate: 'estimate',
  cached: 'cached',
  note: 'note',
};

function headingOf(cells: readonly ReportedCell[]): readonly string[] {
  const [first] = cells;
  if (first === undefined) return [];
  const { test_id: testId, framework, model, target_gpu: gpu, config } = first;
  const what = ` ${[testId, framework, model, gpu].join(' · ')}`;
  const where = `${counted(cells.length, 'cell')} · ${config}`;
  const line = `${what} · ${where}`;
  return line.length <= SCREEN ? [line] : [what, `   ${where}`];
}

/** The rows of a config; a string stands for many that are alike. */
function collapse(cells: readonly ReportedCell[]): readonly (Row | string)[] {
  const lines: (Row | string)[] = [];
  let above = '';
  for (const block of blocksOfAlike(cells.map(rowOf))) {
    const shown = block.length > LONGEST_BLOCK ? block.slice(0, BLOCK_SHOWN) : block;
    for (const row of shown) {
      const isSame = row.note === above && row.note.startsWith(SKIPPED);
      lines.push(isSame ? { ...row, note: 'skipped, same' } : row);
      above = row.note;
    }
    const hidden = block.length - shown.length;
    if (hidden > 0) lines.push(` ... ${hidden} more like these (--json lists all)`);
  }
  return lines;
}

/** Splits rows where one differs from the one before it in more than its id and the length of its estimate. */
function blocksOfAlike(rows: readonly Row[]): readonly (readonly Row[])[] {
  const blocks: Row[][] = [];
  let last: string | null = null;
  for (const row of rows) {
    const { binding, claims, estimate, cached, note } = row;
    const kind = JSON.stringify([binding, claims, estimate === '-', cached, note]);
    if (kind === last) blocks.at(-1)?.push(row);
    else blocks.push([row]);
    last = kind;
  }
  return blocks;
}

const SKIPPED = 'skipped: ';

/** A cell in words: who plays which role, how much is claimed of it, how long it takes and what is in the way. */
export function rowOf(cell: ReportedCell): Row {
  return {
    id: cell.id,
    binding: bindingLines(cell),
    claims: String(cell.claims.length),
    estimate: cell.estimate_s === null ? '-' : formatDuration(cell.estimate_s * 1000),
    cached: cell.cached === null ? '-' : 'yes',
    note: noteOf(cell),
  };
}

function noteOf({ reason, workload_hash: workloadHash, estimate_s: estimateS }: ReportedCell): string {
  if (reason !== null) return `${SKIPPED}${reason}`;
  if (workloadHash === null) return 'image digest pending';
  return estimateS === null ? 'never run here' : '';
}

function bindingLines({ bindings }: ReportedCell): readonly string[] {
  const roles = Object.entries(bindings);
  if (roles.length === 0) return ['-'];
  const width = Math.max(...roles.map(([role]) => role.length));
  return roles.map(([role, nodes]) => `${role.padEnd(width)} -> ${shorten(nodes)}`);
}

function shorten(nodes: readonly string[]): string {
  if (nodes.length <= NODES_SHOWN) return nodes.join(' ');
  const shown = nodes.slice(0, NODES_SHOWN - 1);
  return `${shown.join(' ')} +${nodes.length - shown.length}`;
}

function widthOf(texts: readonly string[]): number {
  return Math.min(
    WIDEST_COLUMN,
    texts.reduce((widest, { length }) => Math.max(widest, length), 0),
  );
}

/** The width of each column, from the left; the last has none. */
type Widths = readonly number[];

function printRow({ id, binding, claims, estimate, cached, note }: Row, widths: Widths): readonly string[] {
  const [first = '', ...others] = binding;
  const print = (...columns: readonly string[]): string =>
    ` ${columns.map((column, index) => column.padEnd(widths[index] ?? 0)).join('  ')}`.trimEnd();
  const row = print(id, first, claims, estimate, cached, note);
  const isWide = row.length > SCREEN && note.startsWith(SKIPPED);
  return [
    isWide ? print(id, first, claims, estimate, cached) : row,
    ...others.map((line) => print('', line)),
    ...(isWide ? wrap(`   ${note}`, '   ') : []),
  ];
}

/** What a plan comes to, in one line. */
export function summaryOf(totals: PlanTotals): string {
  const { cells, runnable, skipped, cached, claims } = totals;
  const stored = cached === 0 ? [] : [`${cached} cached`];
  const counts = [
    counted(cells, 'cell'),
    `${runnable} runnable`,
    ...stored,
    `${skipped} skipped`,
    counted(claims, 'claim'),
  ];
  return [...counts, ...(runnable === 0 ? [] : [timeOf(totals)])].join(' · ');
}

/** `1 cell`, `2 cells`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function timeOf({ estimate_s: estimateS, unknown, nodes }: PlanTotals): string {
  const where = `on ${counted(nodes, 'node')}`;
  if (estimateS === null) return `no estimate yet, ${where}`;
  const time = `${formatDuration(estimateS * 1000)} ${where}`;
  return unknown === 0 ? `about ${time}` : `at least ${time}, ${counted(unknown, 'cell')} without an estimate`;
}
