import { setTimeout as delay } from 'node:timers/promises';
import { AssayError, sentenceOf } from '../core/errors.ts';
import { formatDuration } from '../core/units.ts';
import { STATUS_OF_FAILURE, WorkloadFailure } from '../evidence/failure.ts';
import type { Phase } from '../evidence/failure.ts';
import type { Manifest } from '../evidence/manifest.ts';
import { loadTables } from '../evidence/tables/load-tables.ts';
import type { LoadedTables } from '../evidence/tables/load-tables.ts';
import type { Verification } from '../evidence/verification.ts';
import type { HostFingerprint } from '../exec/executor.ts';
import type { Adapter } from './adapter.ts';
import type { JobContext } from './context.ts';
import { figuresOf } from './figures.ts';
import { ensureImages, HostState } from './host-state.ts';
import { HostUsage } from './host-usage.ts';
import { Instruments } from './instruments.ts';
import { Interruption } from './interruption.ts';
import { JobRecord, UNCLASSIFIED } from './job-record.ts';
import { judgeRun } from './judge-run.ts';
import { lastLines } from './last-lines.ts';
import { describeProgress } from './monitor.ts';
import { tearDown } from './teardown.ts';

const ASK_FOR_MORE = 'where nothing hangs, raise `timeouts.total`';

/** What happens in a job that somebody may want to show. */
export interface JobListener {
  /** A phase begins. */
  readonly onPhase: (phase: Phase) => void;
  /** The run waits for its hosts, or for another reason than before. */
  readonly onWait: (reason: string) => void;
}

/**
 * Runs one cell through the six phases, the same for every workload. Never
 * rejects for a failure of the workload: the manifest it returns says what happened.
 */
export async function runJob(
  adapter: Adapter,
  context: JobContext,
  { manifest, listener }: { readonly manifest: Manifest; readonly listener: JobListener },
): Promise<Manifest> {
  const job = new Job({ adapter, context, record: new JobRecord(manifest, context.request), listener });
  return job.run();
}

/** What the parts of a job share. */
export interface JobParts {
  readonly adapter: Adapter;
  readonly context: JobContext;
  readonly record: JobRecord;
  readonly listener: JobListener;
}

class Job {
  readonly #parts: JobParts;
  readonly #hostState: HostState;
  readonly #hostUsage: HostUsage;
  readonly #instruments: Instruments;
  #tables: LoadedTables | null = null;
  /** Settles with the work of the latest phase, which an abort does not wait for; never rejects. */
  #working: Promise<unknown> = Promise.resolve();
  #cause: unknown = null;

  constructor(parts: JobParts) {
    this.#parts = parts;
    this.#hostState = new HostState(parts.context);
    this.#hostUsage = new HostUsage(parts.context);
    this.#instruments = new Instruments(parts.context);
  }

  async run(): Promise<Manifest> {
    const { context, record } = this.#parts;
    const backstop = new AbortController();
    try {
      await this.#abortable(() => this.#acquire());
      void this.#backstop(backstop.signal);
      await this.#phase('prepare', () => this.#prepare());
      context.writer.events.record('seed.logged', { seed: context.request.cell.workload.seed });
      await this.#phase('launch', () => this.#launch());
      await this.#phase('await', () => this.#await());
      await this.#phase('parse', () => this.#parse());
      await this.#phase('verify', () => this.#verify());
      record.succeed(context.request.cell.workload.enforce);
    } catch (thrown) {
      this.#fail(thrown);
    } finally {
      backstop.abort();
      const hostUsage = this.#hostUsage.end();
      record.setInstruments(await this.#instruments.end());
      record.setHostResources(await hostUsage);
      await tearDown(this.#parts, { hostState: this.#hostState, cause: this.#cause, working: this.#working });
    }
    return record.finish(context.request.folder, context.writer);
  }

  /** Waits for the hosts: no phase of the run, and no part of its time. */
  async #acquire(): Promise<void> {
    const { context, record, listener } = this.#parts;
    const { events } = context.writer;
    const startedMs = performance.now();
    const onWait = (reason: string): void => {
      listener.onWait(reason);
      events.record('hosts.waiting', { reason });
    };
    await context.hosts.open({ signal: context.signal, onWait });
    const waitedS = Math.round(performance.now() - startedMs) / 1000;
    events.record('hosts.acquired', { waited_s: waitedS });
    record.begin({ waitedS, allocation: context.hosts.allocation() });
  }

  /** Ends a run that takes longer than it may, whatever phase it is in. */
  async #backstop(signal: AbortSignal): Promise<void> {
    const { context, record } = this.#parts;
    const { total } = context.request.cell.workload.timeouts;
    // Longer than a timer can be set for.
    if (total > 2 ** 31 - 1) return;
    const isOver = await delay(total, false, { signal }).catch(() => true);
    if (isOver) return;
    const stood = context.progress === null ? '' : `, stood at ${describeProgress(context.progress)}`;
    const message = `not finished after ${formatDuration(total)} (in ${record.lastPhase}${stood}) - ${ASK_FOR_MORE}`;
    context.abort(new WorkloadFailure('liveness_failure', message, lastLines(context.launched)));
  }

  /** Runs a phase; ends it at once when the run is aborted. */
  async #phase(phase: Phase, work: () => Promise<void>): Promise<void> {
    const { context, record, listener } = this.#parts;
    const { events } = context.writer;
    listener.onPhase(phase);
    record.startPhase(phase);
    try {
      events.record(`${phase}.start`, {});
      await this.#abortable(work);
    } catch (thrown) {
      // What keeps events from being written is found again when their log is closed.
      attempt(() => this.#endPhase(phase, 'failed'));
      throw thrown;
    }
    this.#endPhase(phase, 'ok');
  }

  #endPhase(phase: Phase, status: 'ok' | 'failed'): void {
    const { context, record } = this.#parts;
    const { events } = context.writer;
    const end = { phase_duration_s: record.endPhase(status), status };
    if (phase !== 'parse') return events.record(`${phase}.done`, end);
    const { samples, trajectory } = context.writer.rows();
    events.record('parse.done', { ...end, samples_rows: samples, trajectory_rows: trajectory });
  }

  #abortable(work: () => Promise<void>): Promise<void> {
    return untilAborted(() => {
      // Async, so that work which throws before it begins to wait rejects too.
      const running = (async () => work())();
      this.#working = running.catch(() => undefined);
      return running;
    }, this.#parts.context.signal);
  }

  async #prepare(): Promise<void> {
    const { adapter, context, record } = this.#parts;
    const [facts] = await Promise.all([fingerprints(context), this.#hostState.snapshot('pre')]);
    record.setHosts(facts, this.#hostState.before);
    this.#hostState.refuseOtherGpus();
    context.image = await ensureImages(context);
    record.setImage(context.image);
    this.#hostState.watch();
    await adapter.prepare(context);
    await this.#instruments.probe();
  }

  async #launch(): Promise<void> {
    const { adapter, context } = this.#parts;
    this.#hostUsage.start();
    await adapter.launch(context);
    await this.#instruments.attach();
  }

  async #await(): Promise<void> {
    const { adapter, context } = this.#parts;
    await adapter.awaitCompletion(context);
    void this.#hostUsage.end();
    // What the kernel said in the last seconds belongs to the run too.
    await this.#hostState.unwatch();
    context.signal.throwIfAborted();
  }

  async #parse(): Promise<void> {
    const { adapter, context, record } = this.#parts;
    const { writer, request } = context;
    record.setLaunches(context.launched);
    record.setCapturedRows(writer.rows());
    const read = await adapter.parse({ folder: request.folder, run: record.manifest, writer });
    context.signal.throwIfAborted();
    record.rows = await writer.toParquet();
    // Verdicts see what was written, not what is in memory: judging again later gives the same.
    this.#tables = await loadTables(request.folder);
    record.setResult(figuresOf(read, this.#tables));
  }

  async #verify(): Promise<void> {
    const { adapter, context, record } = this.#parts;
    const { cell, identity } = context.request;
    if (this.#tables === null) throw new Error('verify came before parse');
    const run = { tables: this.#tables, result: record.manifest.result };
    const verification = judgeRun(adapter, run, {
      thresholds: cell.thresholds,
      enforce: cell.workload.enforce,
      verificationHash: identity.verificationHash,
      tool: record.manifest.tool,
    });
    // The history of a run lists nothing that is not there.
    context.writer.verification(verification);
    record.setVerification(verification);
    this.#judge(verification);
  }

  #judge({ verdicts, failure }: Verification): void {
    const { events } = this.#parts.context.writer;
    const missed = verdicts.filter((verdict) => !verdict.passed);
    for (const { metric, actual, expected } of missed) events.record('verify.failed', { metric, actual, expected });
    if (missed.length === 0) events.record('verify.passed', { verdicts: verdicts.length });
    if (failure !== null) throw new WorkloadFailure(failure.category, failure.message);
  }

  #fail(thrown: unknown): void {
    const { record } = this.#parts;
    this.#cause = thrown;
    if (thrown instanceof Interruption) {
      record.interrupt(thrown.message);
      return;
    }
    const failure = thrown instanceof WorkloadFailure ? thrown : undefined;
    const category = failure?.category ?? UNCLASSIFIED[record.lastPhase];
    record.fail(STATUS_OF_FAILURE[category], {
      category,
      originated_in_phase: record.lastPhase,
      message: messageIn(record.lastPhase, thrown),
      evidence: [...(failure?.evidence ?? stackOf(thrown))],
    });
  }
}

async function fingerprints(context: JobContext): Promise<ReadonlyMap<string, HostFingerprint>> {
  const entries = context.hostNames().map(async (host) => [host, await context.executor(host).fingerprint()] as const);
  return new Map(await Promise.all(entries));
}

// Otherwise a bug of ours would read as if the workload's own predicate had broken.
function messageIn(phase: Phase, thrown: unknown): string {
  const isKnown = thrown instanceof WorkloadFailure || thrown instanceof AssayError;
  return isKnown || phase !== 'await' ? sentenceOf(thrown) : `not classified: ${sentenceOf(thrown)}`;
}

// A known error says all there is to say; the stack of a bug says where it is.
function stackOf(thrown: unknown): readonly string[] {
  if (!(thrown instanceof Error) || thrown instanceof AssayError) return [];
  return thrown.stack?.split('\n').slice(1, 6) ?? [];
}

function attempt(step: () => void): void {
  try {
    step();
  } catch {
    // Told elsewhere.
  }
}

async function untilAborted(start: () => Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  let stop = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = (): void => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    await Promise.race([start(), aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
