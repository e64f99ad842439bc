import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Status } from '../evidence/failure.ts';
import { markInterrupted } from '../evidence/interrupted.ts';
import { RUN_FILES } from '../evidence/run-folder.ts';
import type { RunRequest } from '../lifecycle/adapter.ts';
import type { JobMessage } from './job-messages.ts';

const JOB_HOST = fileURLToPath(new URL('./job-host.js', import.meta.url));

/** A run in its own process. */
export interface HostedJob {
  /** Settles with the status in the manifest when the process is gone; never rejects. */
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
  const stdout = openSync(join(request.folder, RUN_FILES.stdout), 'a');
  const stderr = openSync(join(request.folder, RUN_FILES.stderr), 'a');
  const child = spawn(process.execPath, [JOB_HOST], { detached: true, stdio: ['pipe', stdout, stderr, 'pipe'] });
  closeSync(stdout);
  closeSync(stderr);
  let reported: Status | null = null;
  createInterface({ input: child.stdio[3] as Readable }).on('line', (line) => {
    const message = JSON.parse(line) as JobMessage;
    if (message.type === 'finished') reported = message.status;
    onMessage(message);
  });
  const done = new Promise<Status>((resolve) => {
    child.once('error', () => resolve(markInterrupted(request.folder, 'its job host could not be started')));
    child.once('close', (code, signal) => {
      resolve(reported ?? markInterrupted(request.folder, `its job host ended with ${signal ?? `code ${code}`}`));
    });
  });
  // A job host that is already gone cannot take its request; `close` says so.
  child.stdin?.on('error', () => undefined);
  child.stdin?.write(`${JSON.stringify(request)}\n`);
  return { done, stop: () => child.stdin?.end() };
}
