import { createReadStream, createWriteStream, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { copyFile, readFile } from 'node:fs/promises';
import { isUtf8 } from 'node:buffer';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { dump, load } from 'js-yaml';
import { AssayError } from '../core/errors.ts';
import { hashOfFile } from '../core/hash.ts';
import { noSecrets } from '../core/scrubber.ts';
import type { Scrubber } from '../core/scrubber.ts';
import { reserveFor, writeFileAtomically } from './atomic-file.ts';
import { openCapture } from './tables/capture.ts';
import type { Capture } from './tables/capture.ts';
import { samplesTableWith, trajectoryTable } from './tables/column-schema.ts';
import type { TableSchema } from './tables/column-schema.ts';
import { EventLog } from './events.ts';
import { manifestSchema } from './manifest.ts';
import type { Manifest } from './manifest.ts';
import { parseManifest, requireRewritable } from './parse-manifest.ts';
import { writeParquet } from './tables/parquet.ts';
import { RUN_FILES } from './run-folder.ts';
import { sidecarPaths } from './run-reader.ts';
import type { SampleColumn, SampleRow } from './tables/samples.ts';
import { scrubbedManifest, scrubbedTable, scrubbedValues } from './scrubbed.ts';
import type { TrajectoryRow } from './tables/trajectory.ts';
import { writeVerification } from './verification.ts';
import type { Verification } from './verification.ts';

/** How often rows on their way to disk are flushed: what a crash can lose at most. */
const FLUSH_INTERVAL_MS = 1000;

/** Makes a run directory with its first manifest and its resolved config, a YAML text. */
export function createRun(
  folder: string,
  { manifest, resolvedConfig }: { readonly manifest: Manifest; readonly resolvedConfig: string },
  scrubber: Scrubber = noSecrets,
): void {
  mkdirSync(join(folder, RUN_FILES.logs), { recursive: true });
  writeFileSync(join(folder, RUN_FILES.config), scrubbedYaml(resolvedConfig, scrubber));
  writeManifest(folder, manifest, scrubber);
}

function scrubbedYaml(text: string, scrubber: Scrubber): string {
  return scrubber === noSecrets ? text : dump(scrubbedValues(load(text), scrubber));
}

/**
 * Replaces a run's manifest and answers what it says now: nothing else may be told
 * of a run that has secrets. Throws when it is not a valid one: a wrong manifest is a bug of ours.
 */
export function writeManifest(folder: string, manifest: Manifest, scrubber: Scrubber = noSecrets): Manifest {
  const written = scrubbedManifest(manifestSchema.parse(manifest), scrubber);
  writeFileAtomically(join(folder, RUN_FILES.manifest), `${JSON.stringify(written, null, 2)}\n`);
  return written;
}

/** Writes what a live run leaves, without its secrets: events, samples, trajectory, verdicts, manifest. */
export class RunWriter {
  readonly events: EventLog;
  readonly #folder: string;
  readonly #scrubber: Scrubber;
  readonly #samplesTable: TableSchema<SampleRow>;
  readonly #samples: Capture<SampleRow>;
  readonly #trajectory: Capture<TrajectoryRow>;
  readonly #timer: NodeJS.Timeout;
  #rows = { samples: 0, trajectory: 0 };
  #flushFailure: Error | null = null;

  /** `sampleColumns` are those that the framework adds to samples.parquet. */
  constructor(folder: string, scrubber: Scrubber = noSecrets, sampleColumns: readonly SampleColumn[] = []) {
    this.#folder = folder;
    this.#samplesTable = samplesTableWith(sampleColumns);
    this.#scrubber = scrubber;
    // A run that ends because the disk is full must be able to say so.
    reserveFor(join(folder, RUN_FILES.manifest));
    this.events = new EventLog(join(folder, RUN_FILES.events), scrubber);
    this.#samples = openCapture(join(folder, RUN_FILES.liveSamples), scrubbedTable(this.#samplesTable, scrubber));
    this.#trajectory = openCapture(join(folder, RUN_FILES.liveTrajectory), scrubbedTable(trajectoryTable, scrubber));
    this.#timer = setInterval(() => void this.flush().catch(reportedByCloseTables), FLUSH_INTERVAL_MS);
  }

  sample(row: SampleRow): void {
    this.#samples.append(row);
    this.#rows.samples += 1;
    this.events.record('request', { request_id: row.requestId, ok: row.ok, ttft_ms: row.ttftMs });
  }

  point(row: TrajectoryRow): void {
    this.#trajectory.append(row);
    this.#rows.trajectory += 1;
  }

  /** Replaces the manifest and answers what it says now. */
  manifest(manifest: Manifest): Manifest {
    return writeManifest(this.#folder, manifest, this.#scrubber);
  }

  /** Keeps a judgement of the run, beside those that other ways of judging gave. */
  verification(verification: Verification): void {
    writeVerification(this.#folder, verification, { scrubber: this.#scrubber });
  }

  /** Writes a file of the run, in place of one of that name. */
  file(name: string, content: string): void {
    writeFileSync(join(this.#folder, name), this.#scrubber.scrub(content));
  }

  /** Keeps a text that a framework left, so that it can be read again later: `attachments/<name>`, in place of one of that name. */
  attach(name: string, content: string): void {
    mkdirSync(join(this.#folder, RUN_FILES.attachments), { recursive: true });
    this.file(`${RUN_FILES.attachments}/${name}`, content);
  }

  /** Keeps a file that a framework left, as it is but for secrets in it: `attachments/<name>`, which may name a folder. */
  async attachFile(name: string, from: string): Promise<void> {
    const to = join(this.#folder, RUN_FILES.attachments, name);
    mkdirSync(dirname(to), { recursive: true });
    if (this.#scrubber === noSecrets) return copyFile(from, to);
    const text = decoded(await readFile(from));
    if (text === null) await copyScrubbed(from, to, this.#scrubber);
    else writeFileSync(to, this.#scrubber.scrub(text));
  }

  /** Rows recorded so far. */
  rows(): { readonly samples: number; readonly trajectory: number } {
    return this.#rows;
  }

  /** Resolves when every row and event so far is in its file; what goes wrong rejects `closeTables` too. */
  async flush(): Promise<void> {
    const tables = Promise.all([this.#samples.flush(), this.#trajectory.flush()]);
    try {
      this.events.flush();
    } catch (thrown) {
      this.#flushFailure ??= thrown as Error;
    }
    await tables;
    if (this.#flushFailure !== null) throw this.#flushFailure;
  }

  /** Closes the live tables and turns them into Parquet; answers the rows per file. */
  async toParquet(): Promise<Readonly<Record<string, number>>> {
    await this.closeTables();
    return {
      [RUN_FILES.samples]: await this.#convert(RUN_FILES.liveSamples, RUN_FILES.samples, this.#samplesTable),
      [RUN_FILES.trajectory]: await this.#convert(RUN_FILES.liveTrajectory, RUN_FILES.trajectory, trajectoryTable),
    };
  }

  /**
   * Ends the live tables; rows that were never turned into Parquet stay in them.
   * Rejects with whatever went wrong while rows and events were written in the background.
   */
  async closeTables(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all([this.#samples.close(), this.#trajectory.close()]);
    if (this.#flushFailure !== null) throw this.#flushFailure;
  }

  async #convert(live: string, file: string, table: TableSchema<never>): Promise<number> {
    const path = join(this.#folder, live);
    const { rows, droppedBytes } = await writeParquet(path, join(this.#folder, file), table);
    if (droppedBytes > 0) {
      throw new AssayError(
        'EVIDENCE_DAMAGED',
        `${path} was damaged while it was written: ${droppedBytes} bytes are lost`,
        {
          hint: 'check the disk, and run the cell again',
        },
      );
    }
    rmSync(path);
    return rows;
  }
}

/** Hash and size of every file of a run directory but the manifest, per path inside it. */
export async function fingerprintSidecars(
  folder: string,
  rows: Readonly<Record<string, number>>,
): Promise<Manifest['sidecars']> {
  const entries = sidecarPaths(folder).map(async (path) => {
    const absolute = join(folder, path);
    return [
      path,
      { sha256: await hashOfFile(absolute), bytes: statSync(absolute).size, rows: rows[path] ?? null },
    ] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

/** Reads a manifest that this process is about to continue. Throws for one that a newer version wrote. */
export function readOwnManifest(folder: string): Manifest {
  const path = join(folder, RUN_FILES.manifest);
  const manifest = parseManifest(readFileSync(path, 'utf8'), path);
  requireRewritable(folder, manifest);
  return manifest;
}

/** A file's text; null for one that is none. */
function decoded(bytes: Buffer): string | null {
  return isUtf8(bytes) ? bytes.toString() : null;
}

/** Copies what is no text, or one with a stray byte in it: every byte is a character, and stays what it is. */
async function copyScrubbed(from: string, to: string, scrubber: Scrubber): Promise<void> {
  const scrubbed = scrubber.stream();
  await pipeline(
    createReadStream(from, 'latin1'),
    async function* (pieces: AsyncIterable<string>) {
      for await (const piece of pieces) yield Buffer.from(scrubbed.push(piece), 'latin1');
      yield Buffer.from(scrubbed.end(), 'latin1');
    },
    createWriteStream(to),
  );
}

function reportedByCloseTables(): void {}
