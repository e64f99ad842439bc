import { describeChange } from '../core/changed-fields.ts';
import { groupBy } from '../core/group-by.ts';
import type { PlanDiff } from '../session/plan-diff.ts';
import type { PlanReport, ReportedCell } from '../session/plan-report.ts';
import { describeThreshold } from './plan-diff.ts';
import { counted, rowOf, summaryOf } from './plan-table.ts';

/** What lies between two plans as Markdown, such as for a comment on a pull request: what is launched comes first. */
export function diffMarkdown(diff: PlanDiff, ref: string): string {
  const { added, removed, moved, relaunched, rejudged, unchanged } = diff;
  const rows = [
    ...rowsOf(
      'launch again',
      relaunched.map(({ key, changes, thresholds }) => ({
        name: key,
        why: [...changes.map(describeChange), ...thresholds.map(describeThreshold)],
      })),
    ),
    ...rowsOf(
      'new',
      added.map((name) => ({ name, why: [] })),
    ),
    // Stored runs are found by the name of their cell.
    ...rowsOf(
      'renamed',
      moved.map(({ from, to, changes }) => ({ name: to, why: [`was ${from}`, ...changes.map(describeThreshold)] })),
    ),
    ...rowsOf(
      'only judged again',
      rejudged.map(({ key, changes }) => ({ name: key, why: changes.map(describeThreshold) })),
    ),
    ...rowsOf(
      'gone',
      removed.map((name) => ({ name, why: [] })),
    ),
  ];
  return page([
    `### Benchmarks: ${headingOf(diff)}`,
    ...table(['', 'cells', 'why'], rows),
    `${counted(unchanged, 'cell')} unchanged since ${code(ref)}`,
  ]);
}

/** A plan as Markdown. */
export function planMarkdown({ cells, totals }: PlanReport): string {
  return page([
    '### Benchmarks: the whole plan',
    ...table(['cell', 'role -> node', 'claims', 'estimate', 'cached', 'note'], cells.map(planRow)),
    summaryOf(totals),
  ]);
}

function headingOf({ added, moved, relaunched, rejudged }: PlanDiff): string {
  const launches = added.length + moved.length + relaunched.length;
  const parts = [
    launches === 0 ? 'nothing to launch' : `${counted(launches, 'cell')} to launch`,
    ...(rejudged.length === 0 ? [] : [`${counted(rejudged.length, 'cell')} only judged again`]),
  ];
  return parts.join(', ');
}

interface Listed {
  readonly name: string;
  readonly why: readonly string[];
}

/** A row for all cells that have the same explanations. */
function rowsOf(what: string, cells: readonly Listed[]): readonly (readonly string[])[] {
  return [...groupBy(cells, ({ why }) => why.join('\n')).values()].map((alike) => [
    what,
    listed(alike.map(({ name }) => name)),
    listed(alike[0]?.why ?? []),
  ]);
}

const LISTED = 12;
/** In characters, of a table: a comment on GitHub has room for 65,536. */
const ROOM = 20_000;

function listed(texts: readonly string[]): string {
  const hidden = texts.length - LISTED;
  return [...texts.slice(0, LISTED).map(code), ...(hidden > 0 ? [`and ${hidden} more`] : [])].join('<br>');
}

function planRow(cell: ReportedCell): readonly string[] {
  const { binding, claims, estimate, cached, note } = rowOf(cell);
  return [code(`${cell.test_id}/${cell.id}`), listed(binding), claims, estimate, cached, note === '' ? '' : code(note)];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  if (rows.length === 0) return [];
  const lines = [head, head.map(() => '---'), ...rows].map((columns) => `| ${columns.join(' | ')} |`);
  let length = 0;
  const shown = lines.filter((line) => (length += line.length) <= ROOM);
  const hidden = lines.length - shown.length;
  return [shown.join('\n'), ...(hidden > 0 ? [`${counted(hidden, 'more row')} (\`--json\` lists all)`] : [])];
}

/** A code span that stays one in a table: values of a config may hold whatever Markdown means something by. */
function code(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').replaceAll('|', String.raw`\|`);
  const longest = Math.max(0, ...(line.match(/`+/g) ?? []).map(({ length }) => length));
  const fence = '`'.repeat(longest + 1);
  return longest === 0 ? `${fence}${line}${fence}` : `${fence} ${line} ${fence}`;
}

function page(paragraphs: readonly string[]): string {
  return `${paragraphs.join('\n\n')}\n`;
}
