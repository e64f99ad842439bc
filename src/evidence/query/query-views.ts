import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { AssayError } from '../../core/errors.ts';
import { samplesTable, trajectoryTable } from '../tables/column-schema.ts';
import type { TableSchema } from '../tables/column-schema.ts';
import { sqlFile, sqlName, sqlText } from '../duckdb.ts';
import type { Fact, FactType } from '../store/fact.ts';
import { factTable, loadTable } from './query-tables.ts';
import { RUN_FILES } from '../run-folder.ts';
import { readManifest } from '../run-reader.ts';
import type { StoredRun } from '../store/run-store.ts';
import type { Verdict } from '../verdict.ts';

/** What can be asked about stored runs. */
export const VIEWS = ['runs', 'verdicts', 'samples', 'trajectory'] as const;

type View = (typeof VIEWS)[number];

/** Whether a text of SQL may read a view. */
export function mentions(sql: string, view: View): boolean {
  return new RegExp(String.raw`\b${view}\b`, 'i').test(sql);
}

// Statements that tell what is there, and name nothing themselves.
const LISTS_ALL = /\b(?:show|pragma|information_schema|duckdb_\w+|pg_\w+)\b/i;

/** Where views come from. */
export interface ViewSource {
  readonly runs: readonly StoredRun[];
  /** Is told of every run whose verdicts cannot be read. */
  readonly onUnreadable: (folder: string, reason: string) => void;
}

/** Makes the views that a text mentions, and answers the files that they read: many runs cost only what is asked for. */
export async function makeViews(
  connection: DuckDBConnection,
  sql: string,
  { runs, onUnreadable }: ViewSource,
): Promise<readonly string[]> {
  const makers: Readonly<Record<View, () => Promise<readonly string[]>>> = {
    async runs() {
      await loadTable(connection, 'runs', factTable(runs.map(({ fact }) => fact)));
      return [];
    },
    async verdicts() {
      const rows = runs.flatMap((run) => verdictRows(run, onUnreadable));
      await loadTable(connection, 'verdicts', { columns: VERDICT_COLUMNS, rows });
      return [];
    },
    samples: () => makeSidecarView(connection, samplesTable, filesOf(runs, RUN_FILES.samples)),
    trajectory: () => makeSidecarView(connection, trajectoryTable, filesOf(runs, RUN_FILES.trajectory)),
  };
  const files: string[] = [];
  for (const view of VIEWS) {
    if (LISTS_ALL.test(sql) || new RegExp(String.raw`\b${view}\b`, 'i').test(sql))
      files.push(...(await makers[view]()));
  }
  return files;
}

const OF_RUN = ['run_id', 'test_id', 'cell_id', 'framework', 'model', 'gpu', 'timestamp_start'] as const;

const VERDICT_COLUMNS: ReadonlyMap<string, FactType> = new Map<string, FactType>([
  ...OF_RUN.map((name) => [name, name === 'timestamp_start' ? 'TIMESTAMP' : 'VARCHAR'] as const),
  ['benchmark', 'VARCHAR'],
  ['kind', 'VARCHAR'],
  ['metric', 'VARCHAR'],
  ['op', 'VARCHAR'],
  ['expected', 'DOUBLE'],
  ['actual', 'DOUBLE'],
  ['margin', 'DOUBLE'],
  ['passed', 'BOOLEAN'],
  ['outcome', 'VARCHAR'],
  ['n', 'DOUBLE'],
  ['interval_low', 'DOUBLE'],
  ['interval_high', 'DOUBLE'],
  ['detail', 'VARCHAR'],
]);

function verdictRows({ folder, fact }: StoredRun, onUnreadable: ViewSource['onUnreadable']): readonly Fact[] {
  try {
    return readManifest(folder).verdicts.map((verdict) => verdictRow(fact, verdict));
  } catch (thrown) {
    if (!(thrown instanceof AssayError)) throw thrown;
    onUnreadable(folder, thrown.message);
    return [];
  }
}

function verdictRow(fact: Fact, verdict: Verdict): Fact {
  const { benchmark, kind, metric, op, expected, actual, margin, passed, outcome, n, interval, detail } = verdict;
  return {
    ...Object.fromEntries(OF_RUN.map((name) => [name, fact[name] ?? null])),
    benchmark,
    kind,
    metric,
    op,
    expected,
    actual,
    margin,
    passed,
    outcome,
    n,
    detail,
    interval_low: interval?.low ?? null,
    interval_high: interval?.high ?? null,
  };
}

function filesOf(runs: readonly StoredRun[], file: string): readonly string[] {
  return runs.map(({ folder }) => join(folder, file)).filter((path) => existsSync(path));
}

/** A run is named by where its file lies: `<test_id>/<cell_id>/<hash>/<run_id>/<file>`. */
const OF_PATH = { run_id: -2, test_id: -5, cell_id: -4 } as const;

async function makeSidecarView(
  connection: DuckDBConnection,
  { name, columns }: TableSchema<never>,
  files: readonly string[],
): Promise<readonly string[]> {
  await connection.run(`CREATE VIEW ${name} AS ${files.length === 0 ? emptyOf(columns) : selectOf(files)}`);
  return files;
}

function selectOf(files: readonly string[]): string {
  const path = sqlName('assay_path');
  const ids = Object.entries(OF_PATH).map(([id, index]) => `string_split(${path}, '/')[${index}] AS ${id}`);
  const list = `[${files.map(sqlFile).join(', ')}]`;
  // Frameworks add columns of their own.
  const scan = `read_parquet(${list}, union_by_name = true, filename = ${sqlText('assay_path')})`;
  return `SELECT ${ids.join(', ')}, * EXCLUDE (${path}) FROM ${scan}`;
}

function emptyOf(columns: TableSchema<never>['columns']): string {
  const typed = [
    ...Object.keys(OF_PATH).map((id) => `NULL::VARCHAR AS ${id}`),
    ...columns.map(({ name, type }) => `NULL::${type} AS ${sqlName(name)}`),
  ];
  return `SELECT ${typed.join(', ')} WHERE false`;
}
