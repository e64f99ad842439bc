import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { AssayError, sentenceOf } from '../../core/errors.ts';
import { loadEngine } from '../duckdb.ts';
import { sourcesIn, writeFactFile } from './export-file.ts';
import type { Source } from './export-file.ts';
import { Staging } from './export-staging.ts';
import type { Fact } from '../store/fact.ts';
import { storedRuns } from '../store/run-store.ts';

/** What to export, and where to. */
export interface ExportOptions {
  readonly artifacts: string;
  /** The Parquet file; the folder of one for each experiment when `isPartitioned`. */
  readonly output: string;
  readonly isPartitioned: boolean;
  /** Whether to make everything anew: else rows that are there stay, and only new and changed runs are read. */
  readonly isFull: boolean;
  /** Only runs that began then or later are read; null reads all. */
  readonly since: Date | null;
}

/** What an export did. */
export interface Exported {
  /** In the output, as it is now. */
  readonly rows: number;
  /** Runs that were not in it before. */
  readonly added: number;
  /** Runs of which it had an older state. */
  readonly changed: number;
  /** The most columns that a file has which was written. */
  readonly columns: number;
  /** The files that were written. */
  readonly files: readonly string[];
  /** Run directories that could not be read, each with the reason. */
  readonly unreadable: readonly { readonly folder: string; readonly reason: string }[];
}

/**
 * Brings one row per ended run into a Parquet file, or into one file per experiment below a folder: new runs are added,
 * changed ones replaced. Rows of runs whose directory is gone stay. Without any row nothing is written.
 *
 * @throws AssayError USAGE when what is there was not made by an export; EVIDENCE_UNWRITABLE when it cannot be written.
 */
export async function exportFacts(options: ExportOptions): Promise<Exported> {
  const scratch = mkdtempSync(join(tmpdir(), 'assay-export-'));
  const connection = await (await loadEngine()).connect();
  try {
    // A second thread holds as much in memory as the first and is waited for by it: rows are to stay in their order.
    await connection.run('SET threads = 1');
    const present = filesIn(options);
    const known = options.isFull ? new Map<string, Source>() : await sourcesIn(connection, present);
    const { outputs, unreadable, counts } = stage(options, { known, scratch });
    let columns = 0;
    for (const [file, staging] of outputs) {
      makeFolder(dirname(file));
      columns = Math.max(columns, await writeFactFile(connection, file, { staging, keep: !options.isFull }));
    }
    const files = [...outputs.keys()];
    const outdated = options.isFull && files.length > 0 ? present.filter((file) => !outputs.has(file)) : [];
    for (const file of outdated) rmSync(file);
    return { rows: known.size + counts.added, ...counts, columns, files, unreadable };
  } finally {
    connection.closeSync();
    rmSync(scratch, { recursive: true, force: true });
  }
}

const PARTITION_FILE = 'fact.parquet';
const PARTITION = 'experiment_id=';

function fileOf({ output, isPartitioned }: ExportOptions, { experiment_id: experiment }: Fact): string {
  return isPartitioned ? join(output, PARTITION + encodeURIComponent(String(experiment)), PARTITION_FILE) : output;
}

/** The files of an earlier export. */
function filesIn({ output, isPartitioned }: ExportOptions): readonly string[] {
  if (!existsSync(output)) return [];
  if (!isPartitioned) return [output];
  const folders = readdirSync(output).filter((name) => name.startsWith(PARTITION));
  return folders.map((name) => join(output, name, PARTITION_FILE)).filter((file) => existsSync(file));
}

interface Staged {
  /** The rows by the file that they belong to. */
  readonly outputs: ReadonlyMap<string, Staging>;
  readonly counts: Pick<Exported, 'added' | 'changed'>;
  readonly unreadable: Exported['unreadable'];
}

interface StageContext {
  readonly known: ReadonlyMap<string, Source>;
  /** A folder for the rows. */
  readonly scratch: string;
}

function stage(options: ExportOptions, { known, scratch }: StageContext): Staged {
  const outputs = new Map<string, Staging>();
  const unreadable: { readonly folder: string; readonly reason: string }[] = [];
  const counts = { added: 0, changed: 0 };
  const runs = storedRuns(options.artifacts, {
    onUnreadable: (folder, reason) => unreadable.push({ folder, reason }),
    isKnown({ runId, path, stamp }) {
      const source = known.get(runId);
      return source?.stamp === stamp && source.path === path;
    },
  });
  const since = options.since?.toISOString() ?? '';
  for (const { fact, stamp } of runs) {
    if (String(fact['timestamp_start'] ?? '') < since) continue;
    const file = fileOf(options, fact);
    const staging = outputs.get(file) ?? new Staging(join(scratch, `${outputs.size}.jsonl`));
    outputs.set(file, staging);
    staging.add(fact, stamp);
    counts[known.has(String(fact['run_id'])) ? 'changed' : 'added'] += 1;
  }
  for (const staging of outputs.values()) {
    staging.flush();
    // The name of the folder says it.
    if (options.isPartitioned) staging.columns.delete('experiment_id');
  }
  return { outputs, counts, unreadable };
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (cause) {
    throw new AssayError('EVIDENCE_UNWRITABLE', `${folder} cannot be made: ${sentenceOf(cause)}`, { cause });
  }
}
