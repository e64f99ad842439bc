import { readFileSync, readdirSync, renameSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { AssayError, messageOf } from '../core/errors.ts';
import { hashOfFile } from '../core/hash.ts';
import { placeOfDraft } from './atomic-file.ts';
import { parseEvents } from './events.ts';
import type { RecordedEvent } from './events.ts';
import type { Manifest } from './manifest.ts';
import { parseManifest } from './parse-manifest.ts';
import { RUN_FILES } from './run-folder.ts';

/**
 * Reads the manifest of a run directory, of every minor version.
 *
 * @throws AssayError EVIDENCE_MISSING or EVIDENCE_DAMAGED, naming the file.
 */
export function readManifest(folder: string): Manifest {
  return parseManifest(readRunFile(folder, RUN_FILES.manifest), join(folder, RUN_FILES.manifest));
}

/**
 * Reads the recorded events of a run, oldest first. Of a run that nobody has ended yet the last line may be
 * cut short, and is left out; of any other they are what its manifest lists, to the byte.
 *
 * @throws AssayError EVIDENCE_MISSING or EVIDENCE_DAMAGED, naming the file, and the line.
 */
export function readEvents(folder: string): readonly RecordedEvent[] {
  const text = readRunFile(folder, RUN_FILES.events);
  // After the events: when it says that the run has ended, no more of them come.
  const { status, sidecars } = readManifest(folder);
  const path = join(folder, RUN_FILES.events);
  if (status === 'running') return parseEvents(text.slice(0, text.lastIndexOf('\n') + 1), path);
  const recorded = sidecars[RUN_FILES.events];
  if (recorded !== undefined) checkSize(path, recorded.bytes);
  return parseEvents(text, path);
}

/**
 * The path of every file of a run directory but the manifest, relative to it, with "/", sorted. What was to
 * take the place of a file is none of them: nobody vouches for it until it does.
 */
export function sidecarPaths(folder: string): readonly string[] {
  return pathsIn(folder).filter((path) => path !== RUN_FILES.manifest && !isDraft(path));
}

/** The paths of what was to take the place of files in a run directory, relative to it. */
export function draftPaths(folder: string): readonly string[] {
  return pathsIn(folder).filter(isDraft);
}

/**
 * Checks that the run has ended, and that its directory holds exactly the files that the manifest lists, each of
 * the size it lists, and that none of those that are hashed has changed. What a crash left of an amendment does no harm: the
 * files that the manifest already speaks of take their places, and what it does not speak of vouches for nothing.
 *
 * @throws AssayError EVIDENCE_MISSING or EVIDENCE_DAMAGED, naming each such file.
 */
export async function checkEvidence(folder: string, manifest: Manifest, how: EvidenceCheck): Promise<void> {
  if (manifest.status === 'running') throw neverEnded(folder);
  // Every run has a config and events: a manifest without files vouches for nothing.
  if (Object.keys(manifest.sidecars).length === 0) throw damaged(join(folder, RUN_FILES.manifest), 'lists no files');
  try {
    await checkFiles(folder, manifest, how);
  } catch (thrown) {
    // Somebody may have amended the run since its manifest was read: that changes more than its list of files.
    const now = readManifest(folder);
    if (isDeepStrictEqual({ ...now, sidecars: {} }, { ...manifest, sidecars: {} })) throw thrown;
    await checkEvidence(folder, now, how);
  }
}

interface EvidenceCheck {
  /** Which files are read and hashed: `figures` are all but logs and attachments, which may be very long. */
  readonly hashes: 'none' | 'figures' | 'all';
}

function isHashed(path: string, { hashes }: EvidenceCheck): boolean {
  const isLong = path.startsWith(`${RUN_FILES.logs}/`) || path.startsWith(`${RUN_FILES.attachments}/`);
  return hashes === 'all' || (hashes === 'figures' && !isLong);
}

async function checkFiles(folder: string, manifest: Manifest, how: EvidenceCheck): Promise<void> {
  await finishAmendment(folder, manifest);
  checkNames(folder, Object.keys(manifest.sidecars));
  for (const [path, { bytes }] of Object.entries(manifest.sidecars)) checkSize(join(folder, path), bytes);
  for (const [path, { sha256 }] of Object.entries(manifest.sidecars)) {
    if (!isHashed(path, how)) continue;
    const absolute = join(folder, path);
    const actual = await hashOfRunFile(absolute);
    if (actual !== sha256) throw damaged(absolute, `has ${actual}, ${sha256} was recorded`);
  }
}

/** Puts in their places the drafts that the manifest already speaks of: whoever wrote it died before that. */
async function finishAmendment(folder: string, { sidecars }: Manifest): Promise<void> {
  for (const draft of draftPaths(folder)) {
    const absolute = join(folder, draft);
    const recorded = sidecars[placeOfDraft(draft) ?? ''];
    if (recorded === undefined || sizeOf(absolute) !== recorded.bytes) continue;
    try {
      if ((await hashOfFile(absolute)) === recorded.sha256) renameSync(absolute, placeOfDraft(absolute) ?? absolute);
    } catch {
      // Another reader has done it, or may not: the check of its place says so.
    }
  }
}

function checkNames(folder: string, listed: readonly string[]): void {
  const present = new Set(sidecarPaths(folder));
  const missing = listed.filter((path) => !present.has(path));
  if (missing.length > 0) throw missingFile(folder, missing);
  for (const path of listed) present.delete(path);
  // Whoever judged the run and died before the manifest said so has left one of these.
  const unlisted = [...present].filter((path) => !VERIFICATION.test(path));
  if (unlisted.length === 0) return;
  throw new AssayError('EVIDENCE_DAMAGED', `${folder} holds what its manifest does not list: ${unlisted.join(', ')}`, {
    hint: 'move these files out of the run directory; if a run wrote them, run the cell again',
  });
}

const VERIFICATION = /^verifications\/[0-9a-f]{64}\.json$/;

function checkSize(path: string, bytes: number): void {
  const size = sizeOf(path);
  if (size !== bytes) throw damaged(path, `has ${size} bytes, ${bytes} were recorded`);
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

async function hashOfRunFile(path: string): Promise<string> {
  try {
    return await hashOfFile(path);
  } catch (cause) {
    throw damaged(path, `cannot be read (${messageOf(cause)})`, cause);
  }
}

/** What a framework left may be named as it likes; ours lies beside what it is to replace. */
function isDraft(path: string): boolean {
  return /^(?:verifications\/)?[^/]+$/.test(path) && placeOfDraft(path) !== null;
}

function pathsIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort();
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
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') throw missingFile(folder, [file]);
    throw damaged(join(folder, file), `cannot be read (${messageOf(cause)})`, cause);
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
