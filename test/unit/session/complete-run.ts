import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Manifest } from '../../../src/evidence/manifest.ts';
import { fingerprintSidecars, readOwnManifest, writeManifest } from '../../../src/evidence/run-writer.ts';
import type { PlannedCell, SessionPlan } from '../../../src/session/plan.ts';
import { leaveRun } from './ended-run.ts';

/** Leaves a run of a cell that passed and whose evidence is whole, with what a test says instead; its directory. */
export async function leaveCompleteRun(
  plan: Pick<SessionPlan, 'artifacts' | 'pool'>,
  planned: PlannedCell,
  change: Partial<Manifest> = {},
): Promise<string> {
  const folder = leaveRun(plan, planned, { durationS: 4, ...change });
  writeFileSync(join(folder, 'rows.parquet'), 'PAR1');
  writeFileSync(join(folder, 'events.jsonl'), '');
  writeFileSync(join(folder, 'logs/server.localhost.log'), 'ready\n');
  const sidecars = await fingerprintSidecars(folder, {});
  writeManifest(folder, { ...readOwnManifest(folder), sidecars });
  return folder;
}
