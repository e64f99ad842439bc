import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { hashOfFile } from '../core/hash.ts';
import { appendToCatalog } from './catalog.ts';
import type { Manifest } from './manifest.ts';
import { RUN_LEVELS } from './run-folder.ts';
import { withRunLock } from './run-lock.ts';
import { checkEvidence, readManifest } from './run-reader.ts';
import { writeManifest } from './run-writer.ts';

/** What is to change about an ended run. */
export interface Amendment {
  readonly manifest: Manifest;
  /** The files of the run directory that were written or replaced, with their rows where they have any. */
  readonly files: Readonly<Record<string, number | null>>;
}

/**
 * Adds to a run that has ended: `change` writes its files and says what the manifest says from now on; null leaves the
 * run as it is. Nobody else changes the run meanwhile. Answers the manifest as it is then.
 *
 * @throws AssayError EVIDENCE_MISSING or EVIDENCE_DAMAGED for a run that never ended or that lacks a file.
 */
export async function amendRun(
  folder: string,
  change: (manifest: Manifest) => Promise<Amendment | null>,
): Promise<Manifest> {
  return withRunLock(folder, async () => {
    const before = readManifest(folder);
    await checkEvidence(folder, before, { hashes: false });
    const amendment = await change(before);
    if (amendment === null) return before;
    const { manifest, files } = amendment;
    const sidecars = { ...manifest.sidecars };
    for (const [path, rows] of Object.entries(files)) {
      const absolute = join(folder, path);
      if (existsSync(absolute)) {
        sidecars[path] = { sha256: await hashOfFile(absolute), bytes: statSync(absolute).size, rows };
      } else delete sidecars[path];
    }
    const written = writeManifest(folder, { ...manifest, sidecars });
    appendToCatalog(artifactsOf(folder), folder, written);
    return written;
  });
}

function artifactsOf(folder: string): string {
  let artifacts = folder;
  for (let level = 0; level < RUN_LEVELS; level++) artifacts = dirname(artifacts);
  return artifacts;
}
