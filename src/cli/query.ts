import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { defineCommand } from 'citty';
import type { ArgsDef } from 'citty';
import { AssayError, messageOf } from '../core/errors.ts';
import { queryRuns } from '../evidence/query/query.ts';
import type { Answer } from '../evidence/query/query.ts';
import type { Query } from '../evidence/query/query-mistake.ts';
import type { Cell } from '../evidence/query/query-value.ts';
import { storedRuns } from '../evidence/store/run-store.ts';
import type { StoredRun } from '../evidence/store/run-store.ts';
import { readOptions } from './arguments.ts';
import type { Options } from './arguments.ts';
import { artifactsOf, BY_DEFAULT } from './artifacts.ts';
import { EXIT } from './exit.ts';
import { withProgress } from './progress.ts';
import { onScreen, unreadableLine } from './stored-runs.ts';
import { textTable } from './text-table.ts';

const queryOptions = {
  sql: { type: 'positional', required: false, description: 'one SQL statement, in quotes' },
  file: { type: 'string', description: 'read the statement from a file', valueHint: 'query.sql' },
  artifacts: { type: 'string', valueHint: 'folder', description: `artifact directory ${BY_DEFAULT}` },
  csv: { type: 'boolean', description: 'print CSV (RFC 4180)' },
  json: { type: 'boolean', description: 'print a JSON array, one object per row' },
} as const satisfies ArgsDef;

/** `assay query 'SQL'`: what many runs say together. */
export const query = defineCommand({
  meta: {
    name: 'query',
    description: 'Ask stored runs in SQL (DuckDB): the views are runs, verdicts, samples and trajectory.',
  },
  args: queryOptions,
  async run({ rawArgs }) {
    const options = readOptions(rawArgs, queryOptions);
    const print = printerOf(options);
    const asked = queryOf(options);
    const { folder: artifacts, advice } = await artifactsOf(options, 'artifacts');
    const complaints: string[] = [];
    const onUnreadable = (folder: string, reason: string): void => {
      complaints.push(`${unreadableLine('left out', { folder, reason })}\n`);
    };
    const runs = await withProgress('reading stored runs', async (tick) => {
      const found: StoredRun[] = [];
      for (const run of storedRuns(artifacts, { onUnreadable })) tick(found.push(run), null);
      return found;
    });
    if (runs.length === 0) {
      const nothing = `no run in ${onScreen(artifacts)} has ended: there is nothing to ask${advice === null ? '' : ` - ${advice}`}\n`;
      process.stderr.write(`${complaints.join('')}${nothing}`);
      if (options.has('json')) await write('[]\n');
      process.exitCode = EXIT.noVerdict;
      return;
    }
    const ask = (): Promise<string> => queryRuns(asked, { runs, onUnreadable }, print);
    // Rows that are printed as they come are progress enough.
    const last = print === tableOf ? await withProgress('asking', ask) : await ask();
    process.stderr.write(complaints.join(''));
    await write(last);
    process.exitCode = EXIT.ok;
  },
});

/** What `assay query --help` shows below the options. */
export const queryExamples = `  P99 of the time to first token by commit, oldest first:
  assay query "SELECT git_sha, min(timestamp_start) AS since, median(ttft_p99_ms) AS ttft_p99_ms, count(*) AS runs
               FROM runs WHERE framework = 'vllm' GROUP BY git_sha ORDER BY since"

  The verdicts with the worst margins:
  assay query 'SELECT cell_id, benchmark, expected, actual, margin FROM verdicts ORDER BY margin / expected LIMIT 10'

  The slowest requests of all runs:
  assay query 'SELECT run_id, request_id, ttft_ms, e2el_ms FROM samples ORDER BY e2el_ms DESC NULLS LAST LIMIT 10'

  assay query 'DESCRIBE runs'                          the columns of a view
  assay query --file trend.sql --csv > trend.csv       all rows, for other tools
  assay query 'FROM runs' --json | jq -r '.[].status'
`;

/** Prints an answer, and leaves its last part to the caller. */
type Print = (answer: Answer) => Promise<string>;

function printerOf(options: Options): Print {
  if (options.has('csv') && options.has('json')) {
    throw new AssayError('USAGE', '--csv and --json are two ways to print one answer', { hint: 'leave one out' });
  }
  if (options.has('csv')) return printCsv;
  return options.has('json') ? printJson : tableOf;
}

function queryOf(options: Options): Query {
  const [sql, file] = [options.one('sql'), options.one('file')];
  if (sql !== null && file !== null) {
    throw new AssayError('USAGE', `there are two queries: "${sql}" and --file ${file}`, { hint: 'leave one out' });
  }
  if (file !== null) return { sql: readQuery(file), name: file };
  if (sql !== null) return { sql, name: 'query' };
  throw new AssayError('USAGE', 'there is no query', { hint: "write one in quotes: assay query 'SELECT * FROM runs'" });
}

function readQuery(file: string): string {
  try {
    return readFileSync(file, 'utf8').replace(/^\uFEFF/, '');
  } catch (cause) {
    throw new AssayError('USAGE', `--file ${file} cannot be read: ${messageOf(cause)}`, {
      hint: 'name a file that holds one SQL statement',
      cause,
    });
  }
}

const ROWS_ON_SCREEN = 200;
const WIDTH_OF_A_FILE = 120;

async function tableOf({ columns, batches }: Answer): Promise<string> {
  const { isTTY, columns: width } = process.stdout;
  const most = isTTY ? ROWS_ON_SCREEN : Infinity;
  const shown: (readonly Cell[])[] = [];
  let count = 0;
  for await (const rows of batches) {
    count += rows.length;
    shown.push(...rows.slice(0, most - shown.length));
  }
  const isColourful = isTTY && process.env['NO_COLOR'] === undefined;
  // A terminal that knows no width says 0.
  const lines = textTable(columns, shown, { width: width || WIDTH_OF_A_FILE, isColourful });
  const hidden = count - shown.length;
  const total = hidden === 0 ? `${count} ${count === 1 ? 'row' : 'rows'}` : `… ${hidden} more, use --csv or LIMIT`;
  return `${[...lines, ` ${total}`].join('\n')}\n`;
}

async function printCsv({ columns, batches }: Answer): Promise<string> {
  await write(csvLine(columns.map(({ name }) => name)));
  for await (const rows of batches) await write(rows.map(csvLine).join(''));
  return '';
}

function csvLine(cells: readonly Cell[]): string {
  // A line of nothing would be no row at all.
  if (cells.length === 1 && (cells[0] === null || cells[0] === '')) return '""\r\n';
  return `${cells.map(csvField).join(',')}\r\n`;
}

function csvField(cell: Cell): string {
  if (cell === null) return '';
  const text = typeof cell === 'object' ? JSON.stringify(cell) : String(cell);
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

async function printJson({ columns, batches }: Answer): Promise<string> {
  let before = '[\n';
  for await (const rows of batches) {
    const objects = rows.map((row) => Object.fromEntries(columns.map(({ name }, index) => [name, row[index] ?? null])));
    await write(before + objects.map((object) => JSON.stringify(object)).join(',\n'));
    before = ',\n';
  }
  return before === '[\n' ? '[]\n' : '\n]\n';
}

async function write(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain');
}
