import { join } from 'node:path';
import { WorkloadFailure } from '../evidence/failure.ts';
import { RUN_FILES } from '../evidence/run-folder.ts';
import type { RunWriter } from '../evidence/run-writer.ts';
import type { Command, Executor, StartOptions } from '../exec/executor.ts';
import type { Hosts } from '../exec/hosts.ts';
import { makeScratch, removeScratch, scratchOf } from '../exec/scratch.ts';
import type { LaunchedRole, Progress, RunContext, RunRequest } from './adapter.ts';
import type { Instrument } from './instrument.ts';
import { KeptServers } from './kept-servers.ts';
import { matchFrameworkLine } from './patterns.ts';
import type { Pattern } from './patterns.ts';
import { isTaken } from './taken.ts';

/** What the context of a run is made of. */
export interface JobContextOptions {
  readonly request: RunRequest;
  readonly writer: RunWriter;
  /** Aborting it ends the run; a WorkloadFailure as reason says why. */
  readonly abort: AbortController;
  readonly report: (progress: Progress) => void;
  readonly hosts: Hosts;
  /** What earlier cells of this job host left running. */
  readonly kept?: KeptServers;
  /** Asked at the end of a good run: whether the next cell may want its servers. Default: it may not. */
  readonly maySucceed?: () => Promise<boolean>;
  /** What attaches to the run and watches it. Default: nothing. */
  readonly instruments?: readonly Instrument[];
  readonly secrets: StartOptions['secrets'];
  readonly scrubber: StartOptions['scrubber'];
}

/** Something worth a look that fails nothing, such as a log line that the catalogue only warns of. */
export interface Warning {
  readonly pattern: Pick<Pattern, 'id' | 'hint'>;
  /** `dmesg.<host>`, or `<role>.<host>`. */
  readonly source: string;
  readonly line: string;
  /** How often it came; `line` is the first. */
  count: number;
}

// A bad link may warn a thousand times a second: the first few tell all there is to tell.
const EVENTS_PER_WARNING = 10;

/** The context of one run: launches roles on their hosts and listens to what they print. */
export class JobContext implements RunContext {
  readonly request: RunRequest;
  readonly writer: RunWriter;
  readonly hosts: Hosts;
  readonly warnings: Warning[] = [];
  readonly kept: KeptServers;
  readonly instruments: readonly Instrument[];
  /** The digest of the image that roles run in; null for the hosts themselves, and until it is known. */
  image: string | null = null;
  /** How far the work was when it was last asked; null before. */
  progress: Progress | null = null;
  readonly #options: JobContextOptions;
  readonly #stopListening: (() => void)[] = [];
  #launched: LaunchedRole[] = [];
  #isOver = false;
  readonly #labels = new Set<string>();
  #scratch: Promise<string> | null = null;

  constructor(options: JobContextOptions) {
    this.#options = options;
    this.request = options.request;
    this.writer = options.writer;
    this.hosts = options.hosts;
    this.kept = options.kept ?? new KeptServers();
    this.instruments = options.instruments ?? [];
  }

  get signal(): AbortSignal {
    return this.#options.abort.signal;
  }

  get launched(): readonly LaunchedRole[] {
    return this.#launched;
  }

  /** The runs whose label is on what this one may leave: its own, and those that started the servers it took over or ended. */
  get labels(): readonly string[] {
    return [...this.#labels];
  }

  /** The hosts of the run, each once. */
  hostNames(): readonly string[] {
    return this.request.on.nodes.map(({ name }) => name);
  }

  executor(host: string): Executor {
    return this.hosts.executor(host);
  }

  scratch(): Promise<string> {
    this.signal.throwIfAborted();
    return (this.#scratch ??= this.#makeScratch());
  }

  async #makeScratch(): Promise<string> {
    const { runId } = this.request;
    await Promise.all(this.hosts.executors().map((executor) => makeScratch(executor, runId)));
    return scratchOf(runId);
  }

  /** Removes what `scratch` made. Rejects when something of it stays on a host. */
  async removeScratch(): Promise<void> {
    if (this.#scratch === null) return;
    await this.#scratch.catch(() => undefined);
    await Promise.all(this.hosts.executors().map((executor) => removeScratch(executor, this.request.runId)));
  }

  report(progress: Progress): void {
    this.progress = progress;
    this.#options.report(progress);
  }

  async launchRole(role: string, host: string, command: Command): Promise<LaunchedRole> {
    // Work that outlives an abort must start nothing more.
    this.signal.throwIfAborted();
    const launched = (await this.#reuse(role, host, command)) ?? (await this.#start(role, host, command));
    const { process, reusedFrom } = launched;
    this.#launched.push(launched);
    if (this.#isOver) {
      await process.stop(0);
      throw new Error(`${role} on ${host} was started too late: the run is being torn down`);
    }
    const container = process.id.kind === 'container' ? { container: process.id.id } : {};
    const reused = reusedFrom === null ? {} : { reused_from: reusedFrom };
    const { pid } = process.id;
    this.writer.events.record('launch.container_up', { role, host, pid, ...container, ...reused });
    const source = `${role}.${host}`;
    const judge = (line: string): void => this.judge(matchFrameworkLine(line), line, source);
    // What a container prints until it is known to run; what a server printed for an earlier run was judged there.
    if (reusedFrom === null) process.tail(Number.MAX_SAFE_INTEGER).forEach(judge);
    this.#stopListening.push(process.onLine(judge));
    return launched;
  }

  /** Takes note of a log line that a pattern matched; a fatal one ends the run. */
  judge(pattern: Pattern | null, line: string, source: string): void {
    if (pattern === null || this.#isOver) return;
    const isFatal = pattern.severity === 'fatal';
    if (!isFatal && this.warn(pattern, source, line) > EVENTS_PER_WARNING) return;
    try {
      this.writer.events.record('pattern.matched', { pattern_id: pattern.id, source, line });
    } catch (thrown) {
      // Whoever reads the stream cannot handle it; the run can.
      this.abort(thrown);
    }
    if (!isFatal) return;
    this.abort(new WorkloadFailure('failure_pattern_matched', `${pattern.id} in ${source} - ${pattern.hint}`, [line]));
  }

  /** Takes note of something that fails nothing; answers how often it came. */
  warn(pattern: Warning['pattern'], source: string, line: string): number {
    const known = this.warnings.find((warning) => warning.pattern.id === pattern.id && warning.source === source);
    if (known === undefined) this.warnings.push({ pattern, source, line, count: 1 });
    else known.count += 1;
    return known?.count ?? 1;
  }

  /** Ends the run with a cause; the first one wins. */
  abort(reason: unknown): void {
    this.#options.abort.abort(reason);
  }

  /** From now on nothing is launched and no line counts. */
  end(): void {
    this.#isOver = true;
    for (const stop of this.#stopListening.splice(0)) stop();
  }

  /** Whether the next cell may want the servers of this one. */
  async maySucceed(): Promise<boolean> {
    return (await this.#options.maySucceed?.()) ?? false;
  }

  /**
   * Leaves the roles that run for the next run: teardown then finds none of them, and this run's logs stay as they are.
   * What has ended is left to teardown: of a program in a container there is still the container.
   */
  async keepServers(): Promise<void> {
    const running = this.#launched.filter(({ process }) => process.exit() === null);
    this.kept.keep(running, this.request.runId);
    const processes = running.map(({ process }) => process);
    this.#launched = this.#launched.filter((launched) => !running.includes(launched));
    await Promise.all(processes.map((process) => process.redirect(null)));
  }

  async #reuse(role: string, host: string, command: Command): Promise<LaunchedRole | null> {
    for (const label of this.kept.startedBy()) this.#labels.add(label);
    const server = await this.kept.take({ role, host, command, image: this.image });
    await server?.process.redirect(this.#logFile(role, host));
    return server;
  }

  async #start(role: string, host: string, command: Command): Promise<LaunchedRole> {
    const { secrets, scrubber } = this.#options;
    const { runId } = this.request;
    await refuseTaken(command);
    this.#labels.add(runId);
    const logFile = this.#logFile(role, host);
    const process = await this.executor(host).start(command, { runId, role, logFile, scrubber, secrets });
    const usageBefore = { cpuSeconds: 0, peakRssBytes: null };
    return { role, host, command, process, reusedFrom: null, usageBefore };
  }

  #logFile(role: string, host: string): string {
    return join(this.request.folder, RUN_FILES.logs, `${role}.${host}.log`);
  }
}

/** What another server answers would be taken for the figures of this one. */
async function refuseTaken({ file, serves }: Command): Promise<void> {
  if (serves === undefined || !(await isTaken(serves))) return;
  const message = `another program listens at ${serves}, where ${file} is to serve - end it, or set another port`;
  throw new WorkloadFailure('setup_failure', message);
}
