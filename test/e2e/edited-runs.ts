import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { amendRun } from '../../src/evidence/amend-run.ts';
import { draftOf } from '../../src/evidence/atomic-file.ts';
import { loadEngine, sqlText } from '../../src/evidence/duckdb.ts';
import type { Manifest } from '../../src/evidence/manifest.ts';
import { readManifest } from '../../src/evidence/run-reader.ts';
import { writeManifest } from '../../src/evidence/run-writer.ts';

type Result = Manifest['result'];

/** What is made of the evidence of a stored run. */
export interface Edit {
  /** Figures that take the place of its own. */
  readonly scalars?: Readonly<Record<string, number>>;
  /** Its tables, as what follows `SELECT`; TABLE stands for what they were. */
  readonly samples?: string;
  readonly trajectory?: string;
}

/** Edits a stored run; its programs have said, besides, that nothing of what was asked is in force. */
export async function editRun(folder: string, { scalars = {}, samples, trajectory }: Edit): Promise<void> {
  const tables = { 'samples.parquet': samples, 'trajectory.parquet': trajectory };
  await amendRun(folder, async (manifest) => {
    const files: Record<string, number | null> = {};
    for (const [file, select] of Object.entries(tables)) {
      if (select !== undefined) files[file] = await rewrite(join(folder, file), select);
    }
    const { result } = manifest;
    const edited = { ...result, scalars: { ...result.scalars, ...scalars }, applied: unlikeAsked(result.applied) };
    return { manifest: { ...manifest, result: edited }, files };
  });
}

function unlikeAsked(applied: Result['applied']): Result['applied'] {
  const unlike = (value: unknown) => {
    if (typeof value === 'boolean') return !value;
    return typeof value === 'number' ? value - 1 : `not ${String(value)}`;
  };
  return Object.fromEntries(
    Object.entries(applied).map(([name, { asked }]) => [name, { asked, applied: unlike(asked) }]),
  );
}

/** Answers how many rows there are now. */
async function rewrite(path: string, select: string): Promise<number> {
  const connection = await (await loadEngine()).connect();
  try {
    const rows = `SELECT ${select.replace('TABLE', `read_parquet(${sqlText(path)})`)}`;
    await connection.run(`COPY (${rows}) TO ${sqlText(draftOf(path))} (FORMAT parquet)`);
    const counted = await connection.runAndReadAll(`SELECT count(*)::INTEGER FROM (${rows})`);
    return Number(counted.getRows()[0]?.[0]);
  } finally {
    connection.closeSync();
  }
}

/** Says of a run that it left a process behind. */
export async function leaveOrphan(folder: string): Promise<void> {
  const teardown = { orphans: 1, kept: false, unconfirmed: [], error: null };
  await amendRun(folder, async (manifest) => ({ manifest: { ...manifest, teardown }, files: {} }));
}

/** Changes a byte of a file of a run, which its manifest does not know; its size stays. */
export function changeByte(folder: string, file: string): void {
  const bytes = readFileSync(join(folder, file));
  bytes[0] = (bytes[0] ?? 0) ^ 1;
  writeFileSync(join(folder, file), bytes);
}

/** What a run is to be a copy of, and of which cell: that of a run of another project. */
export interface AsIf {
  /** Came through, without an image. */
  readonly passed: string;
  readonly root: string;
  /** Had an image that could not be had. */
  readonly failed: string;
  readonly failedRoot: string;
}

/** Stores a copy of a run that passed as one of a cell with an image: as if that had been there. */
export function passAsIf({ passed, root, failed, failedRoot }: AsIf): void {
  const copy = join(root, dirname(relative(failedRoot, failed)), basename(passed));
  cpSync(passed, copy, { recursive: true });
  const { test_id, workload_hash, container } = readManifest(failed);
  writeManifest(copy, { ...readManifest(copy), test_id, workload_hash, container });
}
