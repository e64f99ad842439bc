import { groupBy } from '../../core/group-by.ts';
import type { MigratedFile } from './migrate.ts';
import type { Figure, Note } from './outcome.ts';
import { totalsOf } from './totals.ts';

/** The first line of every report. */
const TITLE = '# Migration report';

/** The report of a migration as Markdown: what is to be filled in first, then all that is not in the configs. */
export function reportText(files: readonly MigratedFile[]): string {
  const { configs, legacyConfigs, notMigratable, thresholds, cells, fillIns } = totalsOf(files);
  const summary = [
    `${configs} configs of ${legacyConfigs - notMigratable} legacy configs; ${notMigratable} not migratable.`,
    `Cells: ${cells.carried} carried, ${cells.reported} reported.`,
    `Thresholds: ${thresholds.carried} carried, ${thresholds.dropped} dropped because they could not fail, ${thresholds.reported} reported.`,
  ];
  const sections = [
    section(`Fill in first (${fillIns})`, fillInLines(files)),
    section('Not migratable', stateLines(files, 'not_migratable')),
    section('Could not be read', stateLines(files, 'refused')),
    section('No legacy config', stateLines(files, 'other')),
    ...files.filter(({ state }) => state === 'migrated' || state === 'not_migratable').map(fileSection),
  ];
  return `${[TITLE, summary.join('\n'), ...sections.filter((text) => text !== '')].join('\n\n')}\n`;
}

function section(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : [`## ${title}`, '', ...lines].join('\n');
}

function fillInLines(files: readonly MigratedFile[]): readonly string[] {
  const notes = files.flatMap((file) => file.notes.filter(({ kind }) => kind === 'fill_in'));
  const rows = notes.map(({ output, value, file, path }) => [code(output), code(value), `${code(file)} ${code(path)}`]);
  return table(['place in the YAML', 'value', 'legacy field'], rows);
}

function stateLines(files: readonly MigratedFile[], state: MigratedFile['state']): readonly string[] {
  return files
    .filter((file) => file.state === state)
    .map(
      ({ file, why, todo }) =>
        `- ${code(file)}${why === '' ? '' : `: ${escape(why)}`}${todo === '' ? '' : ` (${escape(todo)})`}`,
    );
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
  return section(file.file, [...targets, ...parts.filter((text) => text !== '').flatMap((text) => ['', text])]);
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
  const line = text.replaceAll(/\s+/g, ' ').replaceAll('|', '\\|');
  const shown = line.length > LONGEST ? `${line.slice(0, LONGEST)}…` : line;
  return shown.includes('`') ? `\`\` ${shown} \`\`` : `\`${shown}\``;
}

function escape(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}
