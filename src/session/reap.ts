import { hostname } from 'node:os';
import type { Status } from '../evidence/failure.ts';
import { markInterrupted } from '../evidence/interrupted.ts';
import { forgetLive, listLive } from '../evidence/live-runs.ts';
import type { LiveRun } from '../evidence/live-runs.ts';
import { localExecutor } from '../exec/local.ts';
import { isMarkedProcess } from '../exec/process-mark.ts';

/** The variable by which a job host is known again; its value is the run's id. */
export const JOB_HOST_MARK = 'ASSAY_JOB_HOST';

/**
 * Ends what a dead job host left running, by its run label, and gives the run a
 * truthful end. A run that had ended by itself keeps its status.
 */
export async function reapRun(
  artifacts: string,
  { run_id: runId, folder, hosts }: LiveRun,
  reason: string,
): Promise<Status> {
  let orphans: number | null = 0;
  for (const host of hosts) {
    const executor = localExecutor(host);
    const pids = await executor.findLabelled(runId);
    executor.kill(pids ?? []);
    orphans = pids === null || orphans === null ? null : orphans + pids.length;
  }
  const status = await markInterrupted(folder, { reason, orphans });
  forgetLive(artifacts, runId);
  return status;
}

/**
 * Reaps the runs of this machine's sessions that died together with their job host; answers their
 * directories. What another machine started in a shared directory only that machine can know to be dead.
 */
export async function reapDeadRuns(artifacts: string): Promise<readonly string[]> {
  const dead = listLive(artifacts).filter(
    ({ run_id: runId, job_host: { hostname: machine, pid } }) =>
      machine === hostname() && !isMarkedProcess(pid, JOB_HOST_MARK, runId),
  );
  const reaped: string[] = [];
  for (const run of dead) {
    // One directory that was deleted meanwhile must not keep a session from starting.
    const status = await reapRun(artifacts, run, 'the session and its job host died').catch(() => null);
    if (status === 'interrupted') reaped.push(run.folder);
    forgetLive(artifacts, run.run_id);
  }
  return reaped;
}
