import { join } from 'node:path';
import { EventLog } from './events.ts';
import type { Status } from './failure.ts';
import { RUN_FILES } from './run-folder.ts';
import { fingerprintSidecars, readOwnManifest, writeManifest } from './run-writer.ts';

/**
 * Gives a run whose job host is gone a truthful end: status `interrupted`, with
 * everything that reached the disk kept and hashed. A run that had ended by itself keeps its status.
 */
export async function markInterrupted(folder: string, reason: string): Promise<Status> {
  const manifest = readOwnManifest(folder);
  if (manifest.status !== 'running') return manifest.status;
  const events = new EventLog(join(folder, RUN_FILES.events));
  events.record('attempt.interrupted', { reason });
  events.close();
  const sidecars = await fingerprintSidecars(folder, {});
  writeManifest(folder, { ...manifest, status: 'interrupted', timestamp_end: new Date().toISOString(), sidecars });
  return 'interrupted';
}
