import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { jsonLine, onJsonLine } from '../core/json-lines.ts';
import type { Status } from '../evidence/failure.ts';
import { forgetLive, noteLive } from '../evidence/live-runs.ts';
import { RUN_FILES } from '../evidence/run-folder.ts';
import type { RunRequest } from '../lifecycle/adapter.ts';
import type { JobMessage } from './job-messages.ts';
import { JOB_HOST_MARK, reapRun } from './reap.ts';

const JOB_HOST = fileURLToPath(new URL('./job-host.js', import.meta.url));

/** A run in its own process. */
export interface HostedJob {
  /**
   * Settles with the status in the manifest when the process is gone. What a job
   * host that died left running is gone by then too. Rejects when not even that can be recorded.
   */
  readonly done: Promise<Status>;
  /** Ends the run early: its job host tears everything down. */
  stop(): void;
}

/**
 * Starts the job host of a run. The process leads a session of its own and holds
 * the other end of a pipe: when this process dies, however hard, the pipe
 * closes and the job host cleans up by itself.
 */
export function hostJob(request: RunRequest, onMessage: (message: JobMessage) => void): HostedJob {
  const { runId, folder, artifacts } = request;
  const child = spawnJobHost(request);
  const live = {
    run_id: runId,
    folder,
    hosts: [...new Set(Object.values(request.hosts).flat())],
    job_host: { hostname: hostname(), pid: child.pid ?? 0 },
  };
  noteLive(artifacts, live);
  let reported: Status | null = null;
  onJsonLine(child.stdio[3] as Readable, (line) => {
    const message = line as JobMessage;
    if (message.type === 'finished') reported = message.status;
    onMessage(message);
  });
  const done = endOf(child).then((end) => {
    if (reported === null) return reapRun(artifacts, live, `its job host ${end}`);
    forgetLive(artifacts, runId);
    return reported;
  });
  // A job host that is already gone cannot take its request; its end says so.
  child.stdin?.on('error', () => undefined);
  child.stdin?.write(jsonLine(request));
  return { done, stop: () => child.stdin?.end() };
}

function spawnJobHost({ folder, runId }: RunRequest): ChildProcess {
  const stdout = openSync(join(folder, RUN_FILES.stdout), 'a');
  const stderr = openSync(join(folder, RUN_FILES.stderr), 'a');
  const child = spawn(process.execPath, [JOB_HOST], {
    detached: true,
    stdio: ['pipe', stdout, stderr, 'pipe'],
    env: { ...process.env, [JOB_HOST_MARK]: runId },
  });
  closeSync(stdout);
  closeSync(stderr);
  return child;
}

function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', ({ message }) => resolve(`could not be started: ${message}`));
    child.once('close', (code, signal) => resolve(`ended with ${signal ?? `code ${code}`}`));
  });
}
