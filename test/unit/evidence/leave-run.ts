import { join } from 'node:path';
import { v7 } from 'uuid';
import { samplesTable, trajectoryTable } from '../../../src/evidence/tables/column-schema.ts';
import type { Manifest } from '../../../src/evidence/manifest.ts';
import { writeParquet } from '../../../src/evidence/tables/parquet.ts';
import { RUN_FILES, runFolder } from '../../../src/evidence/run-folder.ts';
import { createRun, readOwnManifest } from '../../../src/evidence/run-writer.ts';
import type { SampleRow } from '../../../src/evidence/tables/samples.ts';
import type { TrajectoryRow } from '../../../src/evidence/tables/trajectory.ts';
import { captured } from './rows.ts';
import { startedRun } from './started-run.ts';

/** A valid manifest of a run that passed, with what a test says about it; the id is that of the newest run. */
export function endedManifest(change: Partial<Manifest> = {}): Manifest {
  template ??= readOwnManifest(startedRun());
  const timestamp = '2026-05-28T20:14:52.000Z';
  return { ...template, run_id: v7(), status: 'passed', timestamp_end: timestamp, ...change };
}

let template: Manifest | null = null;

/** Leaves the directory of a run in an artifact directory, and answers where. */
export function leaveRun(artifacts: string, manifest: Manifest): string {
  const { test_id: testId, cell_id: cellId, run_id: runId } = manifest;
  const workloadHash = manifest.workload_hash as `sha256:${string}`;
  const folder = runFolder(artifacts, { testId, cellId, workloadHash, runId });
  createRun(folder, { manifest, resolvedConfig: '' });
  return folder;
}

/** Leaves the requests of a run. */
export async function leaveSamples(folder: string, rows: readonly SampleRow[]): Promise<void> {
  await captured(join(folder, RUN_FILES.liveSamples), samplesTable, [rows]);
  await writeParquet(join(folder, RUN_FILES.liveSamples), join(folder, RUN_FILES.samples), samplesTable);
}

/** Leaves the curves of a run. */
export async function leaveTrajectory(folder: string, rows: readonly TrajectoryRow[]): Promise<void> {
  await captured(join(folder, RUN_FILES.liveTrajectory), trajectoryTable, [rows]);
  await writeParquet(join(folder, RUN_FILES.liveTrajectory), join(folder, RUN_FILES.trajectory), trajectoryTable);
}
