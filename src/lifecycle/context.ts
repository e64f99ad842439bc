import { join } from 'node:path';
import { WorkloadFailure } from '../evidence/failure.ts';
import { RUN_FILES } from '../evidence/run-folder.ts';
import type { RunWriter } from '../evidence/run-writer.ts';
import type { Command, Executor } from '../exec/executor.ts';
import { localExecutor } from '../exec/local.ts';
import type { LaunchedRole, Progress, RunContext, RunRequest } from './adapter.ts';
import { matchFrameworkLine } from './patterns.ts';

interface JobContextOptions {
  readonly request: RunRequest;
  readonly writer: RunWriter;
  /** Aborting it ends the run; a WorkloadFailure as reason says why. */
  readonly abort: AbortController;
  readonly report: (progress: Progress) => void;
}

/** The context of one run: launches roles on their hosts and listens to what they print. */
export class JobContext implements RunContext {
  readonly request: RunRequest;
  readonly writer: RunWriter;
  readonly launched: LaunchedRole[] = [];
  readonly report: (progress: Progress) => void;
  readonly #abort: AbortController;
  readonly #executors = new Map<string, Executor>();

  constructor({ request, writer, abort, report }: JobContextOptions) {
    this.request = request;
    this.writer = writer;
    this.report = report;
    this.#abort = abort;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  executor(host: string): Executor {
    const known = this.#executors.get(host) ?? localExecutor(host);
    this.#executors.set(host, known);
    return known;
  }

  async launchRole(role: string, host: string, command: Command): Promise<LaunchedRole> {
    // Work that outlives an abort must start nothing more: teardown may be past it.
    this.signal.throwIfAborted();
    const { runId, folder } = this.request;
    const logFile = join(folder, RUN_FILES.logs, `${role}.${host}.log`);
    const process = await this.executor(host).start(command, { runId, logFile });
    const launched = { role, host, command, process };
    this.launched.push(launched);
    this.writer.events.record('launch.container_up', { role, host, pid: process.pid });
    process.onLine((line) => {
      try {
        this.#judge(line, `${role}.${host}`);
      } catch (thrown) {
        // Whoever reads the stream cannot handle it; the run can.
        this.#abort.abort(thrown);
      }
    });
    return launched;
  }

  #judge(line: string, source: string): void {
    const pattern = matchFrameworkLine(line);
    if (pattern === null) return;
    this.writer.events.record('pattern.matched', { pattern_id: pattern.id, source, line });
    if (pattern.severity === 'warn') return;
    const message = `${pattern.id} in the log of ${source} - ${pattern.hint}`;
    this.#abort.abort(new WorkloadFailure('failure_pattern_matched', message, [line]));
  }
}
