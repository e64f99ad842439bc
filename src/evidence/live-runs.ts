import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomically } from './atomic-file.ts';

const liveRunSchema = z.strictObject({
  run_id: z.string(),
  /** The run directory, absolute. */
  folder: z.string(),
  hosts: z.array(z.string()),
  /** The machine and process of the job host: the directory may be shared between machines. */
  job_host: z.strictObject({ hostname: z.string(), pid: z.number() }),
});

/** A run that was started in an artifact directory and not yet seen to end. */
export type LiveRun = z.output<typeof liveRunSchema>;

// Beside the runs, so that finding the few that are live never means reading all that ended.
const FOLDER = '.live';

/** Notes a run as live, for a later session to find should this one die. */
export function noteLive(artifacts: string, run: LiveRun): void {
  mkdirSync(join(artifacts, FOLDER), { recursive: true });
  writeFileAtomically(pathOf(artifacts, run.run_id), JSON.stringify(run));
}

/** Forgets a run that has ended. */
export function forgetLive(artifacts: string, runId: string): void {
  rmSync(pathOf(artifacts, runId), { force: true });
}

/** The runs noted as live; a note that cannot be read is left out. */
export function listLive(artifacts: string): readonly LiveRun[] {
  return namesIn(join(artifacts, FOLDER)).flatMap((name) => {
    try {
      return [liveRunSchema.parse(JSON.parse(readFileSync(join(artifacts, FOLDER, name), 'utf8')))];
    } catch {
      return [];
    }
  });
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith('.json'));
  } catch {
    return [];
  }
}

function pathOf(artifacts: string, runId: string): string {
  return join(artifacts, FOLDER, `${runId}.json`);
}
