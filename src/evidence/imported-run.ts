import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { AssayError, messageOf } from '../core/errors.ts';
import { syncFolder } from './atomic-file.ts';
import { appendToCatalog } from './store/catalog.ts';
import type { Manifest } from './manifest.ts';
import { RUN_FILES } from './run-folder.ts';
import { readManifest } from './run-reader.ts';
import { fingerprintSidecars, RunWriter } from './run-writer.ts';
import { storedRuns } from './store/run-store.ts';
import type { SampleRow } from './tables/samples.ts';

/** What an imported run keeps of the file that it comes from. */
export interface Original {
  /** Its name without folders. */
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Which of the runs in the file this one is. */
  readonly entry: number;
}

/** The files of a run that was not launched here. */
export interface ImportedContent {
  readonly resolvedConfig: string;
  readonly original: Original;
}

/** An imported run in the making. */
export interface RunInTheMaking {
  /** Where it is made: nobody takes that folder for a run. */
  readonly folder: string;
  readonly writer: RunWriter;
  /** Writes the rows of the run, and answers how many there are; without any it has no table. */
  writeRows(rows: readonly SampleRow[]): Promise<number>;
}

/** Where an imported run is to be. */
export interface ImportPlace {
  readonly artifacts: string;
  /** The run directory. */
  readonly folder: string;
}

const originSchema = z.strictObject({ file: z.string(), entry: z.int().min(0) });

const ORIGIN_FILE = `${RUN_FILES.attachments}/import.json`;

/**
 * Makes the directory of an imported run: `complete` writes its rows and verdicts and answers its manifest, to which
 * the hashes of the files are added. The directory appears when all of it is there; a crash before leaves none.
 */
export async function writeImportedRun(
  { artifacts, folder }: ImportPlace,
  { resolvedConfig, original }: ImportedContent,
  complete: (run: RunInTheMaking) => Promise<Manifest>,
): Promise<Manifest> {
  // Not by the name of a run, and without logs until the end: neither is it taken for one.
  const draft = join(dirname(folder), `.import-${basename(folder)}`);
  try {
    mkdirSync(join(draft, RUN_FILES.attachments), { recursive: true });
    writeFileSync(join(draft, RUN_FILES.config), resolvedConfig);
    keepOriginal(draft, original);
    const manifest = await fill(draft, complete);
    mkdirSync(join(draft, RUN_FILES.logs));
    renameSync(draft, folder);
    syncFolder(dirname(folder));
    catalogue(artifacts, folder, manifest);
    return manifest;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

function catalogue(artifacts: string, folder: string, manifest: Manifest): void {
  try {
    appendToCatalog(artifacts, folder, manifest);
  } catch {
    // It only speeds up exports and can be rebuilt from the manifests.
  }
}

function keepOriginal(draft: string, { name, bytes, entry }: Original): void {
  const file = `${RUN_FILES.attachments}/${attachmentName(name)}`;
  writeFileSync(join(draft, file), bytes);
  writeFileSync(join(draft, ORIGIN_FILE), `${JSON.stringify({ file, entry }, null, 2)}\n`);
}

// A file may be called anything, even as ours is.
function attachmentName(name: string): string {
  const safe = name.replaceAll(/[^\w.+=@-]+/g, '_');
  return `${RUN_FILES.attachments}/${safe}` === ORIGIN_FILE ? `result-${safe}` : safe;
}

async function fill(draft: string, complete: (run: RunInTheMaking) => Promise<Manifest>): Promise<Manifest> {
  const writer = new RunWriter(draft);
  let isOpen = true;
  const closeTables = async (): Promise<void> => {
    if (isOpen) await writer.closeTables();
    isOpen = false;
  };
  let tables: Readonly<Record<string, number>> = {};
  try {
    const manifest = await complete({
      folder: draft,
      writer,
      async writeRows(rows) {
        for (const row of rows) writer.sample(row);
        if (rows.length === 0) return 0;
        isOpen = false;
        tables = await writer.toParquet();
        return rows.length;
      },
    });
    await closeTables();
    writer.events.close();
    // A summary has no rows, which is not the same as a table without any: nothing completed there.
    for (const live of [RUN_FILES.liveSamples, RUN_FILES.liveTrajectory]) rmSync(join(draft, live), { force: true });
    const sidecars = await fingerprintSidecars(draft, tables);
    return writer.manifest({ ...manifest, sidecars, ...pathsOf(sidecars) });
  } finally {
    await closeTables().catch(() => undefined);
    writer.events.close();
  }
}

function pathsOf(sidecars: Manifest['sidecars']): Pick<Manifest, 'samples_path' | 'trajectory_path' | 'events_path'> {
  const present = (path: string): string | null => (path in sidecars ? path : null);
  return {
    samples_path: present(RUN_FILES.samples),
    trajectory_path: present(RUN_FILES.trajectory),
    events_path: present(RUN_FILES.events),
  };
}

/**
 * The file that an imported run was made from, as it was then.
 *
 * @throws AssayError EVIDENCE_MISSING or EVIDENCE_DAMAGED, naming what is not there.
 */
export function readOriginal(folder: string): Original {
  const path = join(folder, ORIGIN_FILE);
  const { data, error } = originSchema.safeParse(parseNote(path));
  if (data === undefined) {
    throw new AssayError('EVIDENCE_DAMAGED', `${path} does not say what the run was imported from`, {
      hint: 'import its file again',
      cause: error,
    });
  }
  return { name: basename(data.file), bytes: readKept(join(folder, data.file)), entry: data.entry };
}

function parseNote(path: string): unknown {
  const text = readKept(path).toString();
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AssayError('EVIDENCE_DAMAGED', `${path} is no JSON (${messageOf(cause)})`, {
      hint: 'import its file again',
      cause,
    });
  }
}

function readKept(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    throw new AssayError('EVIDENCE_MISSING', `${path} is missing`, { hint: 'import its file again', cause });
  }
}

/** The runs that were made from a file of these contents before, by their place in it. */
export function importsOf(artifacts: string, sha256: string): ReadonlyMap<number, string> {
  const found = new Map<number, string>();
  for (const { folder, fact } of storedRuns(artifacts)) {
    if (fact['provenance'] !== 'imported') continue;
    const entry = entryOf(folder, sha256);
    if (entry !== null) found.set(entry, folder);
  }
  return found;
}

// A run that cannot be read any more is not there: the file may be imported again.
function entryOf(folder: string, sha256: string): number | null {
  try {
    return readManifest(folder).imported?.sha256 === sha256 ? readOriginal(folder).entry : null;
  } catch {
    return null;
  }
}
