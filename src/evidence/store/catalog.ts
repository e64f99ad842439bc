import { appendFileSync, closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { crc32 } from 'node:zlib';
import { FACT_VERSION, factOf } from './fact.ts';
import type { Fact } from './fact.ts';
import type { Manifest } from '../manifest.ts';
import { RUN_FILES } from '../run-folder.ts';

// `catalog.jsonl` beside the runs has one flat line per run that ended, and one more each time it was amended: the last
// counts. It only speeds up: a line says which manifest it was made from, and ends with its own checksum.

/**
 * Adds a run that ended, or that was amended, to the catalogue; its manifest must be the one that was written, which
 * has no secrets. One write of one line with O_APPEND: two sessions may share the artifact directory.
 */
export function appendToCatalog(artifacts: string, folder: string, manifest: Manifest): void {
  const line = catalogLine(factOf(manifest, relative(artifacts, folder)), stampOfThis(folder, manifest));
  appendLines(artifacts, line);
}

/** Adds whole lines, in one write. */
export function appendLines(artifacts: string, lines: string): void {
  appendFileSync(catalogOf(artifacts), lines);
}

/** A run as a line of the catalogue, with its line break. */
export function catalogLine({ run_id: runId = null, ...fact }: Fact, stamp: string): string {
  const open = JSON.stringify({ run_id: runId, manifest_stamp: stamp, ...fact }).slice(0, -1);
  return `${open}${checksumOf(open)}\n`;
}

/** Says which manifest a run has at this moment: another one has another stamp. Null without a manifest. */
export function stampOf(folder: string): string | null {
  const stats = statSync(join(folder, RUN_FILES.manifest), { throwIfNoEntry: false });
  return stats === undefined ? null : `${FACT_VERSION}-${stats.size}-${stats.mtimeMs}`;
}

/** The lines of a catalogue. */
export interface Catalog {
  /** The row that was made from this manifest of a run; null when no whole line has it. */
  find(runId: string, stamp: string): Fact | null;
  close(): void;
}

/** Opens a catalogue as it is now; one that is not there, or cannot be read, has no lines. */
export function openCatalog(artifacts: string): Catalog {
  const file = openIfThere(catalogOf(artifacts));
  if (file === null) return { find: () => null, close: () => undefined };
  const entries = indexOf(file);
  return {
    find(runId, stamp) {
      const entry = entries.get(runId);
      const line = entry === undefined ? null : readLine(file, entry);
      if (line?.['manifest_stamp'] !== stamp) return null;
      const { manifest_stamp: _stamp, ...fact } = line;
      return fact;
    },
    close: () => closeSync(file),
  };
}

function catalogOf(artifacts: string): string {
  return join(artifacts, 'catalog.jsonl');
}

// Who amends a run at this moment adds a line too, and that line must win.
function stampOfThis(folder: string, manifest: Manifest): string {
  const stamp = stampOf(folder);
  if (stamp === null) return '';
  const written: unknown = JSON.parse(readFileSync(join(folder, RUN_FILES.manifest), 'utf8'));
  return isDeepStrictEqual(written, manifest) ? stamp : '';
}

function checksumOf(open: string): string {
  return `,"line_crc32":"${crc32(open).toString(16).padStart(8, '0')}"}`;
}

const CHECKSUM_LENGTH = checksumOf('').length;

interface Entry {
  readonly offset: number;
  readonly bytes: number;
}

const OPENING = '{"run_id":"';
const HEAD = /^\{"run_id":"([^"\\]+)","manifest_stamp":"/;
const HEAD_BYTES = 96;
const CHUNK_BYTES = 2 ** 20;
const LINE_BREAK = 10;

/** Where the last line of every run is. Lines are read when they are asked for. */
function indexOf(file: number): ReadonlyMap<string, Entry> {
  const entries = new Map<string, Entry>();
  let chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  let kept = 0;
  let offset = 0;
  for (let read = readSync(file, chunk); read > 0; read = readSync(file, chunk, kept, chunk.length - kept, null)) {
    const bytes = chunk.subarray(0, kept + read);
    let start = 0;
    for (let end = bytes.indexOf(LINE_BREAK); end !== -1; end = bytes.indexOf(LINE_BREAK, start)) {
      const runId = runIdAt(bytes, start, end);
      if (runId !== null) entries.set(runId, { offset: offset + start, bytes: end - start });
      start = end + 1;
    }
    offset += start;
    kept = bytes.length - start;
    // A line that fills all of it needs more.
    const next = kept === chunk.length ? Buffer.allocUnsafe(2 * kept) : chunk;
    bytes.copy(next, 0, start);
    chunk = next;
  }
  return entries;
}

/** The id that a line begins with, as a text of its own: a part of a longer one would keep that in memory. */
function runIdAt(bytes: Buffer, start: number, end: number): string | null {
  const runId = HEAD.exec(bytes.toString('latin1', start, Math.min(end, start + HEAD_BYTES)))?.[1] ?? null;
  const from = start + OPENING.length;
  return runId === null ? null : bytes.toString('latin1', from, from + runId.length);
}

function readLine(file: number, { offset, bytes }: Entry): Fact | null {
  const buffer = Buffer.allocUnsafe(bytes);
  readSync(file, buffer, 0, bytes, offset);
  const line = buffer.toString();
  const open = line.slice(0, -CHECKSUM_LENGTH);
  return line.slice(-CHECKSUM_LENGTH) === checksumOf(open) ? (JSON.parse(`${open}}`) as Fact) : null;
}

function openIfThere(path: string): number | null {
  try {
    return openSync(path, 'r');
  } catch {
    return null;
  }
}
