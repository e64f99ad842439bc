import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { AssayError } from '../core/errors.ts';
import { hashOfFile } from '../core/hash.ts';
import type { Manifest } from './manifest.ts';
import type { StoredTable } from './reparsed-tables.ts';
import { RUN_FILES } from './run-folder.ts';

/** What is lost without a file that begins so. */
const LOSSES = [
  [`${RUN_FILES.attachments}/`, 'what the workload left of its results'],
  [`${RUN_FILES.logs}/`, 'what was printed while it ran'],
  [RUN_FILES.config, 'what the run was asked to do'],
] as const;

/**
 * Checks that everything a run is read from is there as it was recorded: its attachments and logs, its config, and the
 * rows that came while its workload ran.
 *
 * @throws AssayError EVIDENCE_MISSING or EVIDENCE_DAMAGED, naming the file and what is lost with it.
 */
export async function checkRawData(
  folder: string,
  { sidecars }: Manifest,
  tables: readonly StoredTable[],
): Promise<void> {
  for (const { schema, file, live, origin } of tables) {
    if (origin === 'parsed') continue;
    const path = origin === 'captured' ? file : live;
    const lost = `the ${schema.name} table, whose rows came while the workload ran and are in no log,`;
    await checkRawFile(join(folder, path), sidecars[path], lost);
  }
  for (const [path, recorded] of Object.entries(sidecars)) {
    const lost = LOSSES.find(([beginning]) => path.startsWith(beginning))?.[1];
    if (lost !== undefined) await checkRawFile(join(folder, path), recorded, lost);
  }
}

async function checkRawFile(
  path: string,
  recorded: Manifest['sidecars'][string] | undefined,
  lost: string,
): Promise<void> {
  const hint = `restore the file; without it ${lost} is lost, and the cell must be run again`;
  if (recorded === undefined || !existsSync(path)) {
    throw new AssayError('EVIDENCE_MISSING', `${path} is missing: the run cannot be read again`, { hint });
  }
  const { size } = statSync(path);
  const actual = size === recorded.bytes ? await hashOfFile(path) : `${size} bytes`;
  if (actual === recorded.sha256) return;
  const expected = size === recorded.bytes ? `${recorded.sha256} was` : `${recorded.bytes} were`;
  throw new AssayError('EVIDENCE_DAMAGED', `${path} has ${actual}, ${expected} recorded`, { hint });
}
