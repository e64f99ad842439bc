import { existsSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { hashOfFile } from '../core/hash.ts';
import { draftOf, syncFolder } from './atomic-file.ts';
import { appendToCatalog } from './store/catalog.ts';
import { MANIFEST_VERSION } from './manifest.ts';
import type { Manifest } from './manifest.ts';
import { requireRewritable } from './parse-manifest.ts';
import { RUN_LEVELS } from './run-folder.ts';
import { withRunLock } from './run-lock.ts';
import { checkEvidence, draftPaths, readManifest } from './run-reader.ts';
import { writeManifest } from './run-writer.ts';

/** What is to change about an ended run. */
export interface Amendment {
  readonly manifest: Manifest;
  /** The files of the run directory that were written or replaced, with their rows where they have any. */
  readonly files: Readonly<Record<string, number | null>>;
}

/**
 * Adds to a run that has ended: `change` writes its files and says what the manifest says from now on; null leaves the
 * run as it is. A file that is there already is written to `draftOf(its path)`: it takes its place when the manifest
 * says so, and a crash at any moment leaves the run as it was or as it is to be. Nobody else changes the run
 * meanwhile. Answers the manifest as it is then.
 *
 * @throws AssayError EVIDENCE_MISSING or EVIDENCE_DAMAGED for a run that never ended or that lacks a file;
 * EVIDENCE_UNWRITABLE for one that a newer version wrote; EVIDENCE_LOCKED while somebody else changes it for long.
 */
export async function amendRun(
  folder: string,
  change: (manifest: Manifest) => Promise<Amendment | null>,
): Promise<Manifest> {
  return withRunLock(folder, async () => {
    const before = readManifest(folder);
    requireRewritable(folder, before);
    await checkEvidence(folder, before, { hashes: 'none' });
    // Whoever left these is over: it had the lock.
    for (const draft of draftPaths(folder)) rmSync(join(folder, draft), { force: true });
    const amendment = await change(before);
    if (amendment === null) return before;
    const written = await commit(folder, amendment);
    try {
      appendToCatalog(artifactsOf(folder), folder, written);
    } catch {
      // It only speeds up exports and can be rebuilt from the manifests.
    }
    return written;
  });
}

async function commit(folder: string, { manifest, files }: Amendment): Promise<Manifest> {
  const sidecars = { ...manifest.sidecars };
  const drafted: string[] = [];
  for (const [path, rows] of Object.entries(files)) {
    const place = join(folder, path);
    const draft = draftOf(place);
    if (existsSync(draft)) drafted.push(place);
    const content = existsSync(draft) ? draft : place;
    if (existsSync(content)) {
      sidecars[path] = { sha256: await hashOfFile(content), bytes: statSync(content).size, rows };
    } else delete sidecars[path];
  }
  const written = writeManifest(folder, { ...manifest, schema_version: MANIFEST_VERSION, sidecars });
  // From here on the drafts are the run's: after a crash, whoever checks the run next puts them in their places.
  for (const place of drafted) putInPlace(draftOf(place), place);
  for (const changed of new Set(drafted.map((place) => dirname(place)))) syncFolder(changed);
  return written;
}

function putInPlace(draft: string, place: string): void {
  try {
    renameSync(draft, place);
  } catch (thrown) {
    // Whoever checks the run at this moment has done it.
    if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT') throw thrown;
  }
}

function artifactsOf(folder: string): string {
  let artifacts = folder;
  for (let level = 0; level < RUN_LEVELS; level++) artifacts = dirname(artifacts);
  return artifacts;
}
