import type { Manifest } from '../../../src/evidence/manifest.ts';
import { readOwnManifest, writeManifest } from '../../../src/evidence/run-writer.ts';
import type { PlannedCell, SessionPlan } from '../../../src/session/plan.ts';
import { startPlanned } from '../started-run.ts';

/** Leaves a run of a cell that passed after so many seconds, or what a test says instead; its directory. */
export function leaveRun(
  plan: Pick<SessionPlan, 'artifacts' | 'pool'>,
  planned: PlannedCell,
  { durationS, ...change }: Partial<Manifest> & { readonly durationS: number },
): string {
  const { folder } = startPlanned(planned, plan);
  const manifest = readOwnManifest(folder);
  const end = new Date(Date.parse(manifest.timestamp_start) + durationS * 1000).toISOString();
  writeManifest(folder, { ...manifest, status: 'passed', timestamp_end: end, ...change });
  return folder;
}
