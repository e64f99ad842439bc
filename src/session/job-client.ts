import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync, rmSync, statSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { jsonLine, onJsonLine } from '../core/json-lines.ts';
import { forgetLive, jobHostOutput, noteLive } from '../evidence/store/live-runs.ts';
import type { LiveRun } from '../evidence/store/live-runs.ts';
import { processIdentity } from '../core/process-start.ts';
import { JOB_HOST_LABEL } from '../exec/run-label.ts';
import type { RunRequest } from '../lifecycle/adapter.ts';
import type { JobMessage, JobOrder, RunEnd } from './job-messages.ts';
import { ownHolder, reapRun } from './reap.ts';

const JOB_HOST = fileURLToPath(new URL('./job-host.js', import.meta.url));

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

/** A run that ended, whose servers live on. */
interface KeptRun {
  readonly note: LiveRun;
  readonly isClean: boolean;
}

interface ProcessEnd {
  readonly isGood: boolean;
  /** As the rest of a sentence. */
  readonly how: string;
}

/**
 * The process that runs cells, one at a time. It leads a session of its own and holds
 * the other end of a pipe: when this process dies, however hard, the pipe
 * closes and the job host cleans up by itself.
 */
export class JobHostProcess {
  readonly #child: ChildProcess;
  readonly #artifacts: string;
  readonly #output: string;
  readonly #exit: Promise<ProcessEnd>;
  /** Settles when the process is gone, and with it what it kept; never rejects. */
  readonly ended: Promise<void>;
  /** How long it may hold its hosts once it has them; null when nobody takes them from it. */
  readonly #timeLimitMs: number | null;
  /** When they are taken from it, by our own monotonic clock; null before it has them. */
  #endsAtMs: number | null = null;
  /** Every run that it was asked for: their label is on what it started. */
  readonly #labels: string[] = [];
  #live: LiveJob | null = null;
  #kept: KeptRun | null = null;

  /** Starts a job host; `first` is the run that it is started for. */
  constructor({ artifacts, runId, on }: RunRequest) {
    this.#artifacts = artifacts;
    this.#timeLimitMs = on.reach.executor === 'slurm' ? on.timeLimitMs : null;
    this.#output = jobHostOutput(artifacts, runId);
    this.#child = spawnJobHost(runId, this.#output);
    onJsonLine(this.#child.stdio[3] as Readable, (line) => this.#take(line as JobMessage));
    // A job host that is already gone cannot take its request; its end says so.
    this.#child.stdin?.on('error', () => undefined);
    this.#exit = endOf(this.#child);
    this.ended = this.#exit.then((end) => this.#settleKept(end)).finally(() => this.#forgetSilence());
  }

  /**
   * Runs a cell. Settles when the run has ended, with the status in its manifest; what a job host that
   * died left running is gone by then too. Rejects when not even that can be recorded.
   */
  run(request: RunRequest, listener: JobListener): Promise<RunEnd> {
    const { runId } = request;
    this.#labels.push(runId);
    const { pid = 0 } = this.#child;
    const holder = processIdentity(pid);
    const note = { ...noteOf(request), labels: [...this.#labels], holder, output: this.#output };
    noteLive(this.#artifacts, note);
    // What it kept is found by the labels of this note from now on.
    this.#forgetKept();
    const done = new Promise<RunEnd>((settle) => {
      this.#live = { note, listener, settle };
    });
    // A job host that kept servers may have died since.
    void this.#exit.then(({ how }) => this.#onEnd(how));
    this.#order({ type: 'run', request });
    return done.then((end) => {
      // What could not be cleaned up is for a later session to find, and so is what is kept.
      if (end.isClean && !end.isKept) forgetLive(this.#artifacts, runId);
      return end;
    });
  }

  /** Whether its hosts are its own for so much longer. */
  hasTimeFor(durationMs: number): boolean {
    return this.#endsAtMs === null || performance.now() + durationMs < this.#endsAtMs;
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
    // The first phase begins with the hosts; a later run has those of the first.
    if (message.type === 'phase' && message.phase === 'prepare' && this.#timeLimitMs !== null)
      this.#endsAtMs ??= performance.now() + this.#timeLimitMs;
    if (message.type === 'ending') this.#order({ type: 'keep', keep: live.listener.mayKeep() });
    if (message.type !== 'finished') return;
    this.#live = null;
    const { isKept, isClean } = message.end;
    if (isKept) this.#kept = { note: live.note, isClean };
    live.settle(Promise.resolve(message.end));
  }

  #forgetKept(): void {
    const kept = this.#kept;
    this.#kept = null;
    if (kept?.isClean === true) forgetLive(this.#artifacts, kept.note.run_id);
  }

  /** One that ended well has ended what it kept. */
  async #settleKept({ isGood, how }: ProcessEnd): Promise<void> {
    const kept = this.#kept;
    if (isGood || kept === null) return this.#forgetKept();
    this.#kept = null;
    // Where it fails the note stays, for a later session.
    await reapRun(this.#artifacts, kept.note, `its job host ${how}`).catch(() => undefined);
  }

  /** What it printed outside of any run is kept; mostly that is nothing. */
  #forgetSilence(): void {
    if (statSync(this.#output, { throwIfNoEntry: false })?.size === 0) rmSync(this.#output, { force: true });
  }

  #order(order: JobOrder): void {
    this.#child.stdin?.write(jsonLine(order));
  }

  #onEnd(how: string): void {
    const live = this.#live;
    if (live === null) return;
    this.#live = null;
    live.settle(reapRun(this.#artifacts, live.note, `its job host ${how}`));
  }
}

/** The note of a run that no job host answers for yet: this process does. */
export function noteOf({ runId, folder, on, cell }: RunRequest): LiveRun {
  const declared = Object.entries(cell.workload.secrets);
  const secrets = Object.fromEntries(declared.map(([label, { env_var }]) => [label, { env_var }]));
  return { run_id: runId, labels: [runId], folder, on: { ...on }, holder: ownHolder(), output: null, secrets };
}

function spawnJobHost(runId: string, outputFile: string): ChildProcess {
  const output = openSync(outputFile, 'a');
  const child = spawn(process.execPath, [JOB_HOST], {
    detached: true,
    stdio: ['pipe', output, output, 'pipe'],
    env: { ...process.env, [JOB_HOST_LABEL]: runId },
  });
  closeSync(output);
  return child;
}

function endOf(child: ChildProcess): Promise<ProcessEnd> {
  return new Promise((resolve) => {
    child.once('error', ({ message }) => resolve({ isGood: false, how: `could not be started: ${message}` }));
    child.once('close', (code, signal) =>
      resolve({ isGood: code === 0, how: `ended with ${signal ?? `code ${code}`}` }),
    );
  });
}
