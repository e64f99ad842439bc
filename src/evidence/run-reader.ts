import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { AssayError, messageOf } from '../core/errors.ts';
import { hashOfFile } from '../core/hash.ts';
import { parseEvents } from './events.ts';
import type { RecordedEvent } from './events.ts';
import { MANIFEST_VERSION, manifestSchema } from './manifest.ts';
import type { Manifest } from './manifest.ts';
import { RUN_FILES } from './run-folder.ts';

/**
 * Reads the manifest of a run directory.
 *
 * @throws AssayError EVIDENCE_MISSING or EVIDENCE_DAMAGED, naming the file.
 */
export function readManifest(folder: string): Manifest {
  const path = join(folder, RUN_FILES.manifest);
  const text = readRunFile(folder, RUN_FILES.manifest);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw damaged(path, `is no JSON (${messageOf(cause)})`, cause);
  }
  const version = String((json as { schema_version?: unknown } | null)?.schema_version);
  if (version.split('.')[0] !== MANIFEST_VERSION.split('.')[0]) {
    throw new AssayError(
      'EVIDENCE_DAMAGED',
      `${path} has schema_version ${version}, this version reads ${MANIFEST_VERSION}`,
      {
        hint: 'read it with the version of vitest-assay that wrote it',
      },
    );
  }
  const parsed = manifestSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const first = parsed.error.issues[0];
  throw damaged(path, `is not a manifest (${first?.path.join('.') ?? ''}: ${first?.message ?? ''})`, parsed.error);
}

/** Reads the recorded events of a run, oldest first. */
export function readEvents(folder: string): readonly RecordedEvent[] {
  return parseEvents(readRunFile(folder, RUN_FILES.events));
}

/** The path of every file of a run directory but the manifest, relative to it, with "/", sorted. */
export function sidecarPaths(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((path) => path !== RUN_FILES.manifest)
    .sort();
}

/**
 * Checks that the run has ended, and that its directory holds exactly the files
 * that the manifest lists; with `hashes`, that none has changed.
 *
 * @throws AssayError EVIDENCE_MISSING or EVIDENCE_DAMAGED, naming each such file.
 */
export async function checkEvidence(
  folder: string,
  manifest: Manifest,
  { hashes }: { readonly hashes: boolean },
): Promise<void> {
  if (manifest.status === 'running') throw neverEnded(folder);
  checkFiles(folder, Object.keys(manifest.sidecars));
  if (!hashes) return;
  for (const [path, recorded] of Object.entries(manifest.sidecars)) {
    const absolute = join(folder, path);
    const { size } = statSync(absolute);
    if (size !== recorded.bytes) throw damaged(absolute, `has ${size} bytes, ${recorded.bytes} were recorded`);
    const actual = await hashOfFile(absolute);
    if (actual !== recorded.sha256) throw damaged(absolute, `has ${actual}, ${recorded.sha256} was recorded`);
  }
}

function checkFiles(folder: string, listed: readonly string[]): void {
  // Every run has a config and events: a manifest without files vouches for nothing.
  if (listed.length === 0) throw damaged(join(folder, RUN_FILES.manifest), 'lists no files');
  const present = sidecarPaths(folder);
  const missing = listed.filter((path) => !present.includes(path));
  if (missing.length > 0) throw missingFile(folder, missing);
  const unlisted = present.filter((path) => !listed.includes(path));
  if (unlisted.length === 0) return;
  throw new AssayError('EVIDENCE_DAMAGED', `${folder} holds what its manifest does not list: ${unlisted.join(', ')}`, {
    hint: 'move these files out of the run directory; if a run wrote them, run the cell again',
  });
}

function neverEnded(folder: string): AssayError {
  return new AssayError(
    'EVIDENCE_DAMAGED',
    `the run in ${folder} never ended (its job host is gone or still at work)`,
    { hint: 'wait for the session that runs it; if there is none, run the cell again' },
  );
}

function readRunFile(folder: string, file: string): string {
  try {
    return readFileSync(join(folder, file), 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    throw missingFile(folder, [file]);
  }
}

function missingFile(folder: string, files: readonly string[]): AssayError {
  return new AssayError(
    'EVIDENCE_MISSING',
    `${files.join(', ')} ${files.length === 1 ? 'is' : 'are'} missing from ${folder}`,
    {
      hint: 'restore the file, or delete the run directory and run the cell again',
    },
  );
}

function damaged(path: string, what: string, cause?: unknown): AssayError {
  return new AssayError('EVIDENCE_DAMAGED', `${path} ${what}`, {
    hint: 'the run can no longer be judged: restore the file, or run the cell again',
    cause,
  });
}
