import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { v7 as uuidv7 } from 'uuid';
import { isPlausibleMoment } from '../../adapters/shared/results/fields.ts';
import { readResults } from '../../adapters/shared/results/read-results.ts';
import type { FoundRun } from '../../adapters/shared/results/read-results.ts';
import { RESULT_FORMATS } from '../../adapters/shared/results/result-run.ts';
import type { ResultFormat, ResultRun } from '../../adapters/shared/results/result-run.ts';
import { AssayError, messageOf } from '../../core/errors.ts';
import type { Sha256 } from '../../core/hash.ts';
import { importsOf, readOriginal, writeImportedRun } from '../../evidence/imported-run.ts';
import type { Manifest } from '../../evidence/manifest.ts';
import { runFolder } from '../../evidence/run-folder.ts';
import type { SampleRow } from '../../evidence/tables/samples.ts';
import type { WorkloadResult } from '../../lifecycle/adapter.ts';
import { completeImported } from './complete-imported.ts';
import { identityByNames, identityInCell, importedManifest } from './imported-manifest.ts';
import type { ImportedIdentity, ImportNames } from './imported-manifest.ts';
import type { PlannedCell } from '../plan.ts';

/** How files become runs. */
export interface ImportOptions {
  /** The artifact directory, absolute. */
  readonly artifacts: string;
  /** What the files are; null for what they look like. */
  readonly format: ResultFormat | null;
  /** Whether a file that was imported before is imported once more. */
  readonly isAgain: boolean;
  /** What the runs are runs of: a cell of a config, or what the user calls them. */
  readonly as: { readonly cell: PlannedCell } | { readonly names: ImportNames };
}

/** A run that was made from a file. */
export interface ImportedRun {
  readonly folder: string;
  readonly manifest: Manifest;
  /** Its place in the file: `results.jsonl:3`. */
  readonly where: string;
}

/** What became of a file. */
export interface ImportedFile {
  readonly file: string;
  readonly format: ResultFormat;
  readonly runs: readonly ImportedRun[];
  /** The runs of the file that the artifact directory has already, by their place in the file. */
  readonly present: readonly { readonly where: string; readonly folder: string }[];
}

/**
 * Makes run directories from a result file, one for each run in it. Those of a cell are judged by its thresholds.
 *
 * What was imported before is not imported again unless it is asked for.
 *
 * @throws AssayError PARSE_FAILED when nothing of the file can be kept, USAGE when it is of another cell than it is
 * said to be.
 */
export async function importResults(file: string, options: ImportOptions): Promise<ImportedFile> {
  const source = readSource(file);
  const { format, runs } = readResults(source, options.format);
  const before = options.isAgain ? new Map<number, string>() : importsOf(options.artifacts, source.sha256);
  const present = runs.flatMap(({ entry, where }) => {
    const folder = before.get(entry);
    return folder === undefined ? [] : [{ where, folder }];
  });
  const written = writtenOf(runs, source.writtenMs);
  const fresh = runs.filter(({ entry }) => !before.has(entry));
  // Before the first of them is written.
  const planned = fresh.map((run) => ({ run, identity: identityOf(run, options) }));
  const imported: ImportedRun[] = [];
  for (const { run, identity } of planned) {
    const writtenMs = written.get(run) ?? source.writtenMs;
    imported.push(await importRun(run, identity, { ...source, writtenMs, format, artifacts: options.artifacts }));
  }
  return { file, format, runs: imported, present };
}

/** What is read from an imported run, now or later. */
export interface ImportedResult {
  /** In the order of the file. */
  readonly rows: readonly SampleRow[];
  readonly result: WorkloadResult;
  /** What could not be kept, each in a sentence with its place. */
  readonly dropped: readonly string[];
}

/**
 * Reads an imported run again, by today's parser, from the file that it keeps.
 *
 * @throws AssayError EVIDENCE_MISSING or EVIDENCE_DAMAGED when that file is not there or not the one that was imported,
 * PARSE_FAILED when this version finds no such run in it.
 */
export async function reparseImported(
  folder: string,
  { imported, timestamp_start }: Manifest,
): Promise<ImportedResult> {
  if (imported === null) throw new AssayError('USAGE', `${folder} was not imported`);
  const { bytes, entry } = readOriginal(folder);
  const sha256 = hashOfBytes(bytes);
  if (sha256 !== imported.sha256) {
    throw new AssayError(
      'EVIDENCE_DAMAGED',
      `the attachment of ${folder} has ${sha256}, ${imported.sha256} was imported`,
      {
        hint: 'restore the file, or import it again',
      },
    );
  }
  const format = RESULT_FORMATS.find((known) => known === imported.format) ?? null;
  const run = readResults({ file: imported.file, bytes }, format).runs.find((found) => found.entry === entry);
  if (run !== undefined) return resultOf(run, Date.parse(timestamp_start));
  throw new AssayError('PARSE_FAILED', `${imported.file} has no run at its place ${entry + 1} any more`, {
    hint: 'read it with the version of vitest-assay that imported it',
  });
}

interface Source {
  readonly file: string;
  readonly bytes: Uint8Array;
  readonly sha256: Sha256;
  /** When the file was last written, milliseconds since the Unix epoch. */
  readonly writtenMs: number;
}

function readSource(file: string): Source {
  try {
    const bytes = readFileSync(file);
    return { file, bytes, sha256: hashOfBytes(bytes), writtenMs: Math.round(statSync(file).mtimeMs) };
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const [what, hint] = READ_PROBLEMS[code ?? ''] ?? [`cannot be read: ${messageOf(cause)}`, 'check the file'];
    throw new AssayError('PARSE_FAILED', `${file} ${what}`, { hint, cause });
  }
}

const READ_PROBLEMS: Readonly<Record<string, readonly [string, string]>> = {
  ENOENT: ['is not there', 'check the path'],
  EISDIR: ['is a folder', 'name the result files in it: assay import results/*.json'],
  EACCES: ['may not be read', 'check its permissions'],
  ERR_FS_FILE_TOO_LARGE: ['is larger than can be read at once', 'split it by lines'],
};

/** When each run was written at the latest: runs are appended, so that one ended before the next began. */
function writtenOf(runs: readonly FoundRun[], fileMs: number): ReadonlyMap<FoundRun, number> {
  const written = new Map<FoundRun, number>();
  let latestMs = fileMs;
  for (const run of runs.toReversed()) {
    written.set(run, latestMs);
    latestMs -= run.durationMs ?? 0;
  }
  return written;
}

function hashOfBytes(bytes: Uint8Array): Sha256 {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function identityOf(run: FoundRun, { as }: ImportOptions): ImportedIdentity {
  if ('names' in as) return identityByNames(run.origin, as.names);
  const { cell } = as.cell;
  for (const [axis, said] of Object.entries(run.origin.axes)) {
    const own = cell.params[axis];
    if (own === undefined || own === said) continue;
    throw new AssayError(
      'USAGE',
      `${run.where} has ${axis} ${said}, and cell ${cell.cellId} has ${JSON.stringify(own)}`,
      {
        hint: 'name the cell of this file with --cell, or leave --config out',
      },
    );
  }
  return identityInCell(as.cell, run.origin);
}

interface Target extends Source {
  readonly format: ResultFormat;
  readonly artifacts: string;
}

async function importRun(run: FoundRun, identity: ImportedIdentity, target: Target): Promise<ImportedRun> {
  const { facts, resolvedConfig } = identity;
  const { file, bytes, sha256, format, artifacts } = target;
  const { startMs, endMs } = timesOf(run, target.writtenMs);
  // The id of a run begins with the time at which it began; runs of one file stay in their order.
  const runId = uuidv7({ msecs: startMs, seq: run.entry });
  const folder = runFolder(artifacts, {
    testId: facts.test_id,
    cellId: facts.cell_id,
    // Made by hashOf.
    workloadHash: facts.workload_hash as Sha256,
    runId,
  });
  const first = importedManifest(identity, {
    run_id: runId,
    imported: { file, sha256, format, imported_at: new Date().toISOString(), dropped: [...run.dropped] },
    timestamp_start: new Date(startMs).toISOString(),
    timestamp_end: new Date(endMs).toISOString(),
  });
  const original = { name: basename(file), bytes, entry: run.entry };
  const manifest = await writeImportedRun({ artifacts, folder }, { resolvedConfig, original }, (making) =>
    completeImported(making, first, { read: resultOf(run, startMs), identity }),
  );
  return { folder, manifest, where: run.where };
}

/** When a run began and ended, to the millisecond: the tools write their file, and its date, when the load is over. */
function timesOf(
  { startedAtMs, endedAtMs, durationMs }: ResultRun,
  writtenMs: number,
): { startMs: number; endMs: number } {
  const spanMs = durationMs ?? 0;
  const endMs = endedAtMs ?? (startedAtMs === null ? writtenMs : startedAtMs + spanMs);
  const startMs = startedAtMs ?? endMs - spanMs;
  // A duration may be nonsense; a date that is none cannot be written.
  const isPlausible = isPlausibleMoment(startMs) && isPlausibleMoment(endMs);
  const [start, end] = isPlausible ? [startMs, endMs] : [writtenMs, writtenMs];
  return { startMs: Math.round(start), endMs: Math.round(end) };
}

/** Rows get their moments; where they have columns to be judged by, the figures that a file lacks leave room for ours. */
function resultOf(
  { rows, versions, scalars, startedAtMs, durationMs, dropped }: FoundRun,
  startMs: number,
): ImportedResult {
  const originMs = startedAtMs ?? startMs;
  const measured = Object.entries(scalars).filter(([, value]) => rows.length === 0 || value !== null);
  return {
    rows: rows.map((row) => ({ ...row, tsMs: originMs + row.tsMs })),
    result: {
      scalars: Object.fromEntries(measured),
      applied: {},
      frameworkVersions: versions,
      startedAtMs,
      durationMs,
    },
    dropped,
  };
}
