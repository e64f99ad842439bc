import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { AssayError } from '../core/errors.ts';
import { hashOfFile } from '../core/hash.ts';
import type { Sha256 } from '../core/hash.ts';
import { draftOf } from './atomic-file.ts';
import { openCapture } from './tables/capture.ts';
import { samplesTableWith, trajectoryTable } from './tables/column-schema.ts';
import type { TableSchema } from './tables/column-schema.ts';
import type { LoadedTables } from './tables/load-tables.ts';
import type { Manifest } from './manifest.ts';
import { writeParquet } from './tables/parquet.ts';
import { readSamples, readTrajectory } from './tables/read-columns.ts';
import { RUN_FILES } from './run-folder.ts';
import type { RunWriter } from './run-writer.ts';
import type { SampleColumn, SampleRow } from './tables/samples.ts';
import type { TrajectoryRow } from './tables/trajectory.ts';

/**
 * Where the rows of a table come from. `captured`: they came while the workload ran, and are Parquet.
 * `streamed`: they came while it ran, and are still a live stream, since nothing could be parsed then.
 * `parsed`: they are read from what the workload left.
 */
type RowOrigin = 'captured' | 'streamed' | 'parsed';

/** A table of an ended run that is read again. */
export interface StoredTable {
  readonly schema: TableSchema<SampleRow> | TableSchema<TrajectoryRow>;
  /** Its Parquet file and its live stream, inside the run directory. */
  readonly file: string;
  readonly live: string;
  readonly origin: RowOrigin;
  /** Those that came while the workload ran. */
  readonly capturedRows: number;
}

/**
 * Says of each table of a run where its rows come from; `sampleColumns` are those that its framework adds.
 *
 * @throws AssayError PARSE_FAILED for a run that does not say, and for a table of both kinds of rows.
 */
export function storedTables(
  folder: string,
  { captured_rows: captured, sidecars }: Manifest,
  sampleColumns: readonly SampleColumn[] = [],
): readonly StoredTable[] {
  if (captured === null) {
    throw new AssayError(
      'PARSE_FAILED',
      `the run in ${folder} does not say which of its rows came while the workload ran: a version before 1.2 wrote it`,
      { hint: 'run the cell again to have it read by this version' },
    );
  }
  const tables = [
    { schema: samplesTableWith(sampleColumns), file: RUN_FILES.samples, live: RUN_FILES.liveSamples },
    { schema: trajectoryTable, file: RUN_FILES.trajectory, live: RUN_FILES.liveTrajectory },
  ];
  return tables.map((table) => {
    const capturedRows = captured[table.schema.name];
    const common = { ...table, capturedRows };
    if (capturedRows === 0) return { ...common, origin: 'parsed' };
    const stored = sidecars[table.file];
    if (stored === undefined) return { ...common, origin: 'streamed' };
    if (stored.rows === capturedRows) return { ...common, origin: 'captured' };
    const counts = `${stored.rows ?? 'uncounted'} rows, of which ${capturedRows} came while the workload ran`;
    throw mixed(join(folder, table.file), counts);
  });
}

/** What one table comes to. */
export interface ReparsedTable extends StoredTable {
  readonly rows: number;
  /** The file that is to take the place of the stored one; null where that stays, or where there is none. */
  readonly staged: { readonly path: string; readonly sha256: Sha256; readonly bytes: number } | null;
  /** The file that holds its rows until then; null without any. */
  readonly path: string | null;
}

/** A place beside the run directory where its rows are collected until all of them are known. */
export interface Staging {
  /** Takes the rows that are read. What they are read from was written without secrets. */
  readonly writer: Pick<RunWriter, 'sample' | 'point'>;
  /** Ends the rows and turns them into Parquet. Rejects with PARSE_FAILED where captured rows would get others beside them. */
  finish(): Promise<readonly ReparsedTable[]>;
}

function isSamples(schema: StoredTable['schema']): schema is TableSchema<SampleRow> {
  return schema.name === 'samples';
}

/** Does work with a staging place, which is gone afterwards; the run is locked meanwhile. */
export async function withStaging<Result>(
  folder: string,
  tables: readonly StoredTable[],
  work: (staging: Staging) => Promise<Result>,
): Promise<Result> {
  const place = join(dirname(folder), `.${basename(folder)}.reparse`);
  // Of a process that died.
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place);
  const [samplesSchema = samplesTableWith([])] = tables.flatMap(({ schema }) => (isSamples(schema) ? [schema] : []));
  const samples = openCapture(join(place, RUN_FILES.liveSamples), samplesSchema);
  const trajectory = openCapture(join(place, RUN_FILES.liveTrajectory), trajectoryTable);
  const close = (): Promise<unknown> => Promise.all([samples.close(), trajectory.close()]);
  const parsed = { samples: 0, trajectory: 0 };
  try {
    return await work({
      writer: {
        sample(row) {
          samples.append(row);
          parsed.samples += 1;
        },
        point(row) {
          trajectory.append(row);
          parsed.trajectory += 1;
        },
      },
      async finish() {
        await close();
        return Promise.all(
          tables.map((table) => reparsedTable(table, { folder, place, rows: parsed[table.schema.name] })),
        );
      },
    });
  } finally {
    await close().catch(() => undefined);
    rmSync(place, { recursive: true, force: true });
  }
}

interface Reading {
  readonly folder: string;
  readonly place: string;
  /** Those that were read from what the workload left. */
  readonly rows: number;
}

async function reparsedTable(table: StoredTable, { folder, place, rows }: Reading): Promise<ReparsedTable> {
  const { origin, schema, file, live, capturedRows } = table;
  const stored = join(folder, file);
  if (origin !== 'parsed' && rows > 0) {
    throw mixed(stored, `${capturedRows} rows that came while the workload ran, and this version reads ${rows} more`);
  }
  if (origin === 'captured') return { ...table, rows: capturedRows, staged: null, path: stored };
  if (rows === 0 && origin === 'parsed' && !existsSync(stored)) return { ...table, rows, staged: null, path: null };
  const stream = join(origin === 'streamed' ? folder : place, live);
  const path = join(place, file);
  const written = await writeParquet(stream, path, schema);
  if (origin === 'streamed' && (written.rows !== capturedRows || written.droppedBytes > 0)) {
    throw mixed(stream, `${written.rows} rows, of which ${capturedRows} came while the workload ran`);
  }
  return { ...table, rows: written.rows, staged: { path, sha256: written.sha256, bytes: written.bytes }, path };
}

/** Loads the rows as they will be. */
export async function loadReparsed(tables: readonly ReparsedTable[]): Promise<LoadedTables> {
  const pathOf = (name: ReparsedTable['schema']['name']): string | null =>
    tables.find(({ schema }) => schema.name === name)?.path ?? null;
  const [samples, trajectory] = [pathOf('samples'), pathOf('trajectory')];
  return {
    samples: samples === null ? null : await readSamples(samples),
    series: trajectory === null ? [] : await readTrajectory(trajectory),
  };
}

/** Lays the staged tables ready beside the stored ones; answers their rows per file. */
export function draftTables(folder: string, tables: readonly ReparsedTable[]): Readonly<Record<string, number>> {
  const staged = tables.flatMap(({ staged: made, file, rows }) =>
    made === null ? [] : [{ from: made.path, file, rows }],
  );
  for (const { from, file } of staged) renameSync(from, draftOf(join(folder, file)));
  return Object.fromEntries(staged.map(({ file, rows }) => [file, rows]));
}

/** Whether the tables in a run directory are these already. */
export async function areStored(folder: string, tables: readonly ReparsedTable[]): Promise<boolean> {
  for (const { staged, file } of tables) {
    const path = join(folder, file);
    if (staged !== null && (!existsSync(path) || (await hashOfFile(path)) !== staged.sha256)) return false;
  }
  return true;
}

function mixed(path: string, counts: string): AssayError {
  return new AssayError('PARSE_FAILED', `${path} has ${counts}: nobody could tell them apart`, {
    hint: 'run the cell again to have all its rows read by this version',
  });
}
