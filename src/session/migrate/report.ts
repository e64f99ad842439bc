import { groupBy } from '../../core/group-by.ts';
import type { MigratedFile } from './migrate.ts';
import type { Figure, Note } from './outcome.ts';
import { totalsOf } from './totals.ts';

const TITLE = '# Migration report';
const OPEN = 'Fill in first';
const FILES = 'Legacy files';

/** What a report says of one legacy file, or of something else that a reader added as a section. */
interface Entry {
  /** Cells of its rows in the table of what is to be filled in. */
  readonly fillIns: readonly Row[];
  /** Cells of its row in the table of all files; null without one. */
  readonly row: Row | null;
  /** With its heading; null without one. */
  readonly section: string | null;
}

/** The cells of a table, as Markdown. */
type Row = readonly string[];

/** Whether a text is a report of an earlier migration. */
export function isReport(text: string): boolean {
  return text.startsWith(TITLE);
}

/**
 * The report of a migration as Markdown: what is to be filled in first, what became of every file, then all that is not
 * in the configs. It keeps what an earlier report says of other files.
 */
export function reportText(files: readonly MigratedFile[], earlier = ''): string {
  const own = files.flatMap((file) => (file.state === 'thresholds' ? [] : [[span(file.file), entryOf(file)] as const]));
  const entries = new Map([...readReport(earlier), ...own]);
  const sorted = [...entries.keys()].toSorted().flatMap((key) => entries.get(key) ?? []);
  const fillIns = sorted.flatMap((entry) => entry.fillIns);
  const rows = sorted.flatMap(({ row }) => (row === null ? [] : [row]));
  const sections = [
    section(`${OPEN} (${fillIns.length})`, table(['place in the YAML', 'value', 'legacy field'], fillIns).join('\n')),
    section(FILES, table(COLUMNS, rows.length < 2 ? rows : [...rows, totalRow(rows)]).join('\n')),
    ...sorted.map((entry) => entry.section ?? ''),
  ];
  return `${[TITLE, ...sections.filter((text) => text !== '')].join('\n\n')}\n`;
}

const COLUMNS: Row = [
  'legacy file',
  'configs',
  'cells carried',
  'cells reported',
  'thresholds carried',
  'thresholds dropped (could not fail)',
  'thresholds reported',
  'why nothing was written',
];

function totalRow(rows: readonly Row[]): Row {
  const sums = COLUMNS.slice(1, -1).map((_, index) =>
    rows.reduce((sum, row) => sum + (Number(row[index + 1]) || 0), 0),
  );
  return ['all', ...sums.map(String), ''];
}

function entryOf(file: MigratedFile): Entry {
  const isConfig = file.state === 'migrated' || file.state === 'not_migratable';
  const { configs, cells, thresholds } = totalsOf([file]);
  const counts = [configs, cells.carried, cells.reported, thresholds.carried, thresholds.dropped, thresholds.reported];
  return {
    fillIns: file.notes
      .filter(({ kind }) => kind === 'fill_in')
      .map(({ output, value, path }) => [code(output), code(value), `${span(file.file)} ${code(path)}`]),
    row: [span(file.file), ...counts.map((count) => (isConfig ? String(count) : '-')), escape(whyNothing(file))],
    section: isConfig ? fileSection(file) : null,
  };
}

function whyNothing({ state, why, todo }: MigratedFile): string {
  if (state === 'other') return 'no legacy config';
  if (state === 'migrated') return '';
  return `${why}${todo === '' ? '' : ` (${todo})`}`;
}

/** What an earlier report says, by the file that it says it of. */
function readReport(text: string): ReadonlyMap<string, Entry> {
  const entries = new Map<string, Entry>();
  const add = (key: string, more: Partial<Entry>): unknown =>
    entries.set(key, { ...(entries.get(key) ?? { fillIns: [], row: null, section: null }), ...more });
  for (const written of text.replaceAll('\r\n', '\n').split(/^## /m).slice(1)) {
    const [heading = '', ...lines] = written.trimEnd().split('\n');
    if (heading.startsWith(OPEN)) {
      for (const [file, fillIns] of rowsByFile(lines, -1)) add(file, { fillIns });
    } else if (heading === FILES) {
      for (const [file, [row = []]] of rowsByFile(lines, 0)) add(file, { row });
    } else add(heading, { section: section(heading, lines.join('\n').trim()) });
  }
  return entries;
}

/** The rows of a table by the file that their cells in one column begin with: heads and sums have none. */
function rowsByFile(lines: readonly string[], column: number): ReadonlyMap<string, readonly Row[]> {
  const rows = lines.map((line) => line.split(/(?<!\\)\|/).slice(1, -1));
  const trimmed = rows.map((row) => row.map((cell) => cell.trim()));
  const fileOf = (row: Row): string => /^(?:`` .+? ``|`[^`]+`)/.exec(row.at(column) ?? '')?.[0] ?? '';
  return groupBy(
    trimmed.filter((row) => fileOf(row) !== ''),
    fileOf,
  );
}

function section(title: string, text: string): string {
  return text === '' ? '' : `## ${title}\n\n${text}`;
}

function fileSection(file: MigratedFile): string {
  const of = (kind: Note['kind']): readonly Note[] => file.notes.filter((note) => note.kind === kind);
  const parts = [
    part('The loader refuses', noteTable(of('refused'))),
    part('Cells', cellTable(file)),
    part('Thresholds not carried', figureTable(file.figures)),
    part('Carried as something else', noteTable(of('changed'))),
    part('Not carried', noteTable(of('not_carried'))),
    part('Comments', noteTable(of('comment'))),
  ];
  const targets = file.configs.map(
    (config) => `- ${code(config.file)}${config.thresholds === null ? '' : `, ${code(config.thresholds.file)}`}`,
  );
  return section(span(file.file), [targets.join('\n'), ...parts].filter((text) => text !== '').join('\n\n'));
}

function part(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : [`### ${title}`, '', ...lines].join('\n');
}

function noteTable(notes: readonly Note[]): readonly string[] {
  const isComment = notes.every(({ kind }) => kind === 'comment');
  const rows = notes.map(({ path, value, why, todo }) => [
    code(path),
    code(value),
    ...(isComment ? [] : [escape(why), escape(todo)]),
  ]);
  return table(['legacy field', 'value', ...(isComment ? [] : ['why', 'what to do'])], rows);
}

function cellTable({ cells }: MigratedFile): readonly string[] {
  return table(
    ['legacy cell', 'cell', 'why not'],
    cells.map(({ legacy, key, why }) => [code(legacy), code(key), escape(why)]),
  );
}

// The same metric is left out of many cells for the same reason: one row.
function figureTable(figures: readonly Figure[]): readonly string[] {
  const lost = figures.filter(({ outcome }) => outcome !== 'carried');
  const groups = groupBy(lost, ({ metric, outcome, why }) => JSON.stringify([metric, outcome, why]));
  const rows = [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const places = group.map(({ file, path, value }) => `${code(file)} ${code(path)} = ${code(value)}`);
    return [[code(first.metric), first.outcome, escape(first.why), escape(first.todo), places.join('<br>')]];
  });
  return table(['metric', 'outcome', 'why', 'what to do', 'where'], rows);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  if (rows.length === 0) return [];
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
}

const LONGEST = 200;

function code(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  if (text === '' || value === null || value === undefined) return '-';
  const line = text.replaceAll(/\s+/g, ' ');
  return span(line.length > LONGEST ? `${line.slice(0, LONGEST)}…` : line);
}

/** A text as code, whole: files are told apart by it. */
function span(text: string): string {
  const shown = text.replaceAll('|', '\\|');
  return shown.includes('`') ? `\`\` ${shown} \`\`` : `\`${shown}\``;
}

function escape(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll('|', '\\|').replaceAll('<', '&lt;');
}
