import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync, rmSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { jsonLine, onJsonLine } from '../core/json-lines.ts';
import { forgetLive, jobHostOutput, noteLive } from '../evidence/live-runs.ts';
import type { LiveRun } from '../evidence/live-runs.ts';
import { processStart } from '../exec/process-start.ts';
import type { RunRequest } from '../lifecycle/adapter.ts';
import type { JobMessage, JobOrder, RunEnd } from './job-messages.ts';
import { reapRun } from './reap.ts';

const JOB_HOST = fileURLToPath(new URL('./job-host.js', import.meta.url));

/** The variable by which people and tests know a job host; its value is the id of its first run. */
const JOB_HOST_MARK = 'ASSAY_JOB_HOST';

/** Who follows a run. */
export interface JobListener {
  readonly onMessage: (message: JobMessage) => void;
  /** Asked at the end of a good run: whether the next cell may want its servers. */
  readonly mayKeep: () => boolean;
}

interface LiveJob {
  readonly note: LiveRun;
  readonly listener: JobListener;
  readonly settle: (end: Promise<RunEnd>) => void;
}

/**
 * The process that runs cells, one at a time. It leads a session of its own and holds
 * the other end of a pipe: when this process dies, however hard, the pipe
 * closes and the job host cleans up by itself.
 */
export class JobHostProcess {
  readonly #child: ChildProcess;
  readonly #output: string;
  /** Settles when the process is gone, with how it ended. */
  readonly ended: Promise<string>;
  /** When the hosts that it holds are taken from it, by our own monotonic clock. */
  readonly #endsAtMs: number;
  /** Every run that it was asked for: their label is on what it started. */
  readonly #labels: string[] = [];
  #live: LiveJob | null = null;

  /** Starts a job host; `first` is the run that it is started for. */
  constructor({ artifacts, runId, on }: RunRequest) {
    this.#endsAtMs = performance.now() + on.timeLimitMs;
    this.#output = jobHostOutput(artifacts, runId);
    this.#child = spawnJobHost(runId, this.#output);
    onJsonLine(this.#child.stdio[3] as Readable, (line) => this.#take(line as JobMessage));
    // A job host that is already gone cannot take its request; its end says so.
    this.#child.stdin?.on('error', () => undefined);
    this.ended = endOf(this.#child).finally(() => this.#forgetSilence());
  }

  /**
   * Runs a cell. Settles when the run has ended, with the status in its manifest; what a job host that
   * died left running is gone by then too. Rejects when not even that can be recorded.
   */
  run(request: RunRequest, listener: JobListener): Promise<RunEnd> {
    const { artifacts, runId } = request;
    this.#labels.push(runId);
    const { pid = 0 } = this.#child;
    const holder = { hostname: hostname(), pid, started: processStart(pid) };
    const note = { ...noteOf(request), labels: [...this.#labels], holder, output: this.#output };
    noteLive(artifacts, note);
    const done = new Promise<RunEnd>((settle) => {
      this.#live = { note, listener, settle };
    });
    // A job host that kept servers may have died since.
    void this.ended.then((end) => this.#onEnd(end));
    this.#order({ type: 'run', request });
    return done.then((end) => {
      // What could not be cleaned up is for a later session to find.
      if (end.isClean) forgetLive(artifacts, runId);
      return end;
    });
  }

  /** Whether its hosts are its own for so much longer. */
  hasTimeFor(durationMs: number): boolean {
    return performance.now() + durationMs < this.#endsAtMs;
  }

  /** Asks for nothing more: a live run is torn down, what is kept is ended. Settles when the process is gone. */
  async close(): Promise<void> {
    if (this.#live !== null) this.#order({ type: 'stop', reason: 'the session was stopped' });
    this.#child.stdin?.end();
    await this.ended;
  }

  /** Ends the process at once, without a teardown; its run is cleaned up from here. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #take(message: JobMessage): void {
    const live = this.#live;
    if (live === null) return;
    live.listener.onMessage(message);
    if (message.type === 'ending') this.#order({ type: 'keep', keep: live.listener.mayKeep() });
    if (message.type !== 'finished') return;
    this.#live = null;
    live.settle(Promise.resolve(message.end));
  }

  /** What it printed outside of any run is kept; mostly that is nothing. */
  #forgetSilence(): void {
    if (statSync(this.#output, { throwIfNoEntry: false })?.size === 0) rmSync(this.#output, { force: true });
  }

  #order(order: JobOrder): void {
    this.#child.stdin?.write(jsonLine(order));
  }

  #onEnd(end: string): void {
    const live = this.#live;
    if (live === null) return;
    this.#live = null;
    live.settle(reapRun(live.note, `its job host ${end}`));
  }
}

/** The note of a run that no job host answers for yet: this process does. */
export function noteOf({ runId, folder, on, cell }: RunRequest): LiveRun {
  const { pid } = process;
  const holder = { hostname: hostname(), pid, started: processStart(pid) };
  const declared = Object.entries(cell.workload.secrets);
  const secrets = Object.fromEntries(declared.map(([label, { env_var }]) => [label, { env_var }]));
  return { run_id: runId, labels: [runId], folder, on: { ...on }, holder, output: null, secrets };
}

function spawnJobHost(runId: string, outputFile: string): ChildProcess {
  const output = openSync(outputFile, 'a');
  const child = spawn(process.execPath, [JOB_HOST], {
    detached: true,
    stdio: ['pipe', output, output, 'pipe'],
    env: { ...process.env, [JOB_HOST_MARK]: runId },
  });
  closeSync(output);
  return child;
}

function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', ({ message }) => resolve(`could not be started: ${message}`));
    child.once('close', (code, signal) => resolve(`ended with ${signal ?? `code ${code}`}`));
  });
}
