import { existsSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { noSecrets } from '../core/scrubber.ts';
import type { Scrubber } from '../core/scrubber.ts';
import { EventLog } from './events.ts';
import type { Status } from './failure.ts';
import type { Manifest } from './manifest.ts';
import { RUN_FILES } from './run-folder.ts';
import { draftPaths, readManifest } from './run-reader.ts';
import { fingerprintSidecars, writeManifest } from './run-writer.ts';

/** How a run ended whose job host could not say so itself. */
interface Interrupted {
  readonly reason: string;
  /** Processes of the run that were found and ended; null where the host cannot tell. */
  readonly orphans: number | null;
  /** Hosts of which nobody could say that nothing is left there. */
  readonly unconfirmed: readonly string[];
}

/**
 * Gives a run whose job host is gone a truthful end: status `interrupted`, with
 * everything that reached the disk kept and hashed. A run that had ended by itself keeps its status.
 *
 * @throws AssayError EVIDENCE_MISSING or EVIDENCE_DAMAGED for a run whose manifest cannot be read.
 */
export async function markInterrupted(
  folder: string,
  { reason, orphans, unconfirmed }: Interrupted,
  scrubber: Scrubber = noSecrets,
): Promise<Status> {
  const manifest = readManifest(folder);
  if (manifest.status !== 'running') return manifest.status;
  dropHalfWritten(folder);
  dropCutLine(join(folder, RUN_FILES.events));
  const events = new EventLog(join(folder, RUN_FILES.events), scrubber);
  events.record('attempt.interrupted', { reason });
  events.close();
  const ended: Manifest = {
    ...manifest,
    status: 'interrupted',
    interruption: reason,
    events_path: RUN_FILES.events,
    timestamp_end: new Date().toISOString(),
    teardown: { orphans, kept: false, unconfirmed: [...unconfirmed], error: null },
    sidecars: await fingerprintSidecars(folder, {}),
  };
  writeManifest(folder, ended, scrubber);
  return 'interrupted';
}

// What was to replace a file is named after its writer until it is whole; what it was made from is there.
function dropHalfWritten(folder: string): void {
  for (const path of draftPaths(folder)) rmSync(join(folder, path));
}

// A crash may have cut the last line short: no event may follow it on the same line.
function dropCutLine(path: string): void {
  if (existsSync(path)) truncateSync(path, readFileSync(path).lastIndexOf('\n') + 1);
}
