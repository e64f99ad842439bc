import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../core/errors.ts';
import { formatDuration } from '../core/units.ts';
import { STATUS_OF_FAILURE, WorkloadFailure } from '../evidence/failure.ts';
import type { Phase } from '../evidence/failure.ts';
import type { Manifest } from '../evidence/manifest.ts';
import { loadTables } from '../evidence/load-tables.ts';
import { writeVerification } from '../evidence/run-writer.ts';
import type { Verdict } from '../evidence/verdict.ts';
import { inferenceScalars } from '../verdicts/scalars.ts';
import type { RunTables } from '../verdicts/run-tables.ts';
import type { Adapter, RunContext, WorkloadResult } from './adapter.ts';
import { finiteResult } from './finite.ts';
import { JobRecord, UNCLASSIFIED } from './job-record.ts';
import { removeOrphans } from './orphans.ts';

/** Called when a phase begins. */
type PhaseListener = (phase: Phase) => void;

/** Ends a run early: asked for from outside, not a failure of the workload. */
export class Interruption extends Error {
  override readonly name = 'Interruption';
}

/**
 * Runs one cell through the six phases, the same for every workload. Never
 * rejects for a failure of the workload: the manifest it returns says what happened.
 */
export async function runJob(
  adapter: Adapter,
  context: RunContext,
  { manifest, onPhase }: { readonly manifest: Manifest; readonly onPhase: PhaseListener },
): Promise<Manifest> {
  const job = new Job({ adapter, context, record: new JobRecord(manifest), onPhase });
  return job.run();
}

interface JobParts {
  readonly adapter: Adapter;
  readonly context: RunContext;
  readonly record: JobRecord;
  readonly onPhase: PhaseListener;
}

// How long the work of a phase may take to notice that its run was aborted.
const ABANDONED_MS = 10_000;

class Job {
  readonly #parts: JobParts;
  #tables: RunTables | null = null;
  /** Settles with the work of the latest phase, which an abort does not wait for; never rejects. */
  #working: Promise<unknown> = Promise.resolve();
  #cause: unknown = null;
  /** What went wrong beside the cause, each once. */
  readonly #errors = new Set<string>();

  constructor(parts: JobParts) {
    this.#parts = parts;
  }

  async run(): Promise<Manifest> {
    const { adapter, context, record } = this.#parts;
    const { events } = context.writer;
    try {
      events.record('prepare.start', {});
      const prepareS = await this.#phase('prepare', () => adapter.prepare(context));
      events.record('prepare.done', { phase_duration_s: prepareS });
      events.record('seed.logged', { seed: context.request.cell.workload.seed });
      await this.#phase('launch', () => adapter.launch(context));
      await this.#phase('await', () => adapter.awaitCompletion(context));
      await this.#phase('parse', () => this.#parse());
      await this.#phase('verify', () => this.#verify());
      record.succeed(context.request.cell.workload.enforce);
    } catch (thrown) {
      await this.#fail(thrown);
    } finally {
      await this.#teardown();
    }
    return record.finish(context.request.folder);
  }

  /** Runs a phase, in seconds; ends it at once when the run is aborted. */
  async #phase(phase: Phase, work: () => Promise<void>): Promise<number> {
    const { context, record, onPhase } = this.#parts;
    onPhase(phase);
    record.startPhase(phase);
    try {
      await untilAborted(() => this.#start(work), context.signal);
    } catch (thrown) {
      record.endPhase('failed');
      throw thrown;
    }
    return record.endPhase('ok');
  }

  #start(work: () => Promise<void>): Promise<void> {
    // Async, so that work which throws before it begins to wait rejects too.
    const running = (async () => work())();
    this.#working = running.catch(() => undefined);
    return running;
  }

  async #parse(): Promise<void> {
    const { adapter, context, record } = this.#parts;
    const { writer, request } = context;
    const native = finiteResult(await adapter.parse(context));
    context.signal.throwIfAborted();
    record.rows = await writer.toParquet();
    // Verdicts see what was written, not what is in memory: judging again later gives the same.
    const loaded = { ...(await loadTables(request.folder)), ...windowOf(native) };
    // The framework's own figures win over ours: they are what it claims of itself.
    const result = finiteResult({ ...native, scalars: { ...inferenceScalars(loaded), ...native.scalars } });
    record.setResult(result);
    this.#tables = { ...loaded, scalars: result.scalars };
    const { samples, trajectory } = writer.rows();
    writer.events.record('parse.done', { samples_rows: samples, trajectory_rows: trajectory });
  }

  async #verify(): Promise<void> {
    const { adapter, context, record } = this.#parts;
    const { cell, folder, identity } = context.request;
    if (this.#tables === null) throw new Error('verify came before parse');
    const judged = adapter.verify(
      cell.thresholds.map(({ threshold }) => threshold),
      this.#tables,
    );
    const verdicts = judged.map((verdict, index) => {
      const source = cell.thresholds[index]?.source;
      return source === undefined ? verdict : { ...verdict, source };
    });
    record.setVerdicts(verdicts);
    writeVerification(folder, identity.verificationHash, verdicts);
    this.#judge(verdicts);
  }

  #judge(verdicts: readonly Verdict[]): void {
    const { context } = this.#parts;
    const missed = verdicts.filter((verdict) => !verdict.passed);
    for (const { metric, actual, expected } of missed) {
      context.writer.events.record('verify.failed', { metric, actual, expected });
    }
    if (missed.length === 0) context.writer.events.record('verify.passed', { verdicts: verdicts.length });
    if (missed.length === 0 || !context.request.cell.workload.enforce) return;
    throw new WorkloadFailure('verification_failure', missed.map(({ detail }) => detail).join('; '));
  }

  async #fail(thrown: unknown): Promise<void> {
    const { context, record } = this.#parts;
    this.#cause = thrown;
    if (thrown instanceof Interruption) {
      record.interrupt(thrown.message);
      await this.#attempt(() => context.writer.events.record('attempt.interrupted', { reason: thrown.message }));
      return;
    }
    const failure = thrown instanceof WorkloadFailure ? thrown : undefined;
    const category = failure?.category ?? UNCLASSIFIED[record.lastPhase];
    record.fail(STATUS_OF_FAILURE[category], {
      category,
      originated_in_phase: record.lastPhase,
      message: messageOf(thrown),
      evidence: [...(failure?.evidence ?? stackOf(thrown))],
    });
  }

  /** Always runs; what fails here stands beside the first cause, never instead of it. */
  async #teardown(): Promise<void> {
    const { adapter, context, record, onPhase } = this.#parts;
    const { writer } = context;
    onPhase('teardown');
    record.startPhase('teardown');
    await this.#attempt(() => writer.events.record('teardown.start', {}));
    await this.#attempt(() => record.setUsage(context.launched));
    await this.#attempt(() => adapter.teardown(context));
    // Its roles are gone, so what waited for them ends.
    await this.#attempt(() => this.#settled());
    const orphans = (await this.#attempt(() => removeOrphans(context))) ?? null;
    await this.#attempt(() => writer.closeTables());
    this.#noteLateErrors();
    await this.#attempt(() => writer.events.record('teardown.done', {}));
    await this.#attempt(() => writer.events.close());
    record.setTeardown({ orphans, error: this.#errors.size === 0 ? null : [...this.#errors].join('; ') });
    record.endPhase(this.#errors.size === 0 ? 'ok' : 'failed');
  }

  /** Does one step; what it throws is noted and keeps no other step from being done. */
  async #attempt<T>(step: () => T): Promise<Awaited<T> | undefined> {
    try {
      return await step();
    } catch (thrown) {
      this.#note(thrown);
      return undefined;
    }
  }

  #note(thrown: unknown): void {
    if (thrown !== this.#cause) this.#errors.add(messageOf(thrown));
  }

  /** Waits until nothing that an abort left behind can write into the run any more. */
  async #settled(): Promise<void> {
    const timeout = new AbortController();
    const tooLate = delay(ABANDONED_MS, 'too late', { signal: timeout.signal }).catch(() => undefined);
    const first = await Promise.race([this.#working.then(() => 'over'), tooLate]);
    timeout.abort();
    if (first === 'over') return;
    throw new Error(`work of the aborted run went on for ${formatDuration(ABANDONED_MS)}`);
  }

  #noteLateErrors(): void {
    const { launched, signal } = this.#parts.context;
    for (const { role, host, process } of launched) {
      const error = process.logError();
      if (error !== null) this.#errors.add(`the log of ${role}.${host} is not whole: ${error.message}`);
    }
    // An abort that came when no phase was left to end.
    const { reason } = signal;
    if (signal.aborted && !(reason instanceof Interruption)) this.#note(reason);
  }
}

function windowOf(result: WorkloadResult): Pick<RunTables, 'measuredDurationMs' | 'startedAtMs'> {
  return { measuredDurationMs: result.durationMs, startedAtMs: result.startedAtMs };
}

function stackOf(thrown: unknown): readonly string[] {
  return thrown instanceof Error && thrown.stack !== undefined ? thrown.stack.split('\n').slice(1, 6) : [];
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
