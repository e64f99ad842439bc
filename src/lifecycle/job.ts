import { messageOf } from '../core/errors.ts';
import { STATUS_OF_FAILURE, WorkloadFailure } from '../evidence/failure.ts';
import type { FailureCategory, Phase } from '../evidence/failure.ts';
import type { Manifest } from '../evidence/manifest.ts';
import { loadTables } from '../evidence/load-tables.ts';
import { writeVerification } from '../evidence/run-writer.ts';
import type { Verdict } from '../evidence/verdict.ts';
import { inferenceScalars } from '../verdicts/scalars.ts';
import type { RunTables } from '../verdicts/run-tables.ts';
import type { Adapter, RunContext, WorkloadResult } from './adapter.ts';
import { JobRecord } from './job-record.ts';
import { removeOrphans } from './orphans.ts';

/** Called when a phase begins. */
type PhaseListener = (phase: Phase) => void;

/** Ends a run early: asked for from outside, not a failure of the workload. */
export class Interruption extends Error {
  override readonly name = 'Interruption';
}

// What an error means that nobody classified where it was raised.
const UNCLASSIFIED: Readonly<Record<Phase, FailureCategory>> = {
  prepare: 'setup_failure',
  launch: 'setup_failure',
  await: 'safety_violation',
  parse: 'parse_failure',
  verify: 'verification_failure',
  teardown: 'setup_failure',
};

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

class Job {
  readonly #parts: JobParts;
  #tables: RunTables | null = null;

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
      this.#fail(thrown);
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
      await untilAborted(work(), context.signal);
    } catch (thrown) {
      record.endPhase('failed');
      throw thrown;
    }
    return record.endPhase('ok');
  }

  async #parse(): Promise<void> {
    const { adapter, context, record } = this.#parts;
    const { writer, request } = context;
    const native = await adapter.parse(context);
    record.rows = await writer.toParquet();
    // Verdicts see what was written, not what is in memory: judging again later gives the same.
    const loaded = { ...(await loadTables(request.folder)), ...windowOf(native) };
    // The framework's own figures win over ours: they are what it claims of itself.
    const result = { ...native, scalars: { ...inferenceScalars(loaded), ...native.scalars } };
    record.setResult(result);
    this.#tables = { ...loaded, scalars: result.scalars };
    const { samples, trajectory } = writer.rows();
    writer.events.record('parse.done', { samples_rows: samples, trajectory_rows: trajectory });
  }

  async #verify(): Promise<void> {
    const { adapter, context, record } = this.#parts;
    const { cell, folder, identity } = context.request;
    if (this.#tables === null) throw new Error('verify came before parse');
    const verdicts = adapter.verify(
      cell.thresholds.map(({ threshold }) => threshold),
      this.#tables,
    );
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

  #fail(thrown: unknown): void {
    const { context, record } = this.#parts;
    if (thrown instanceof Interruption) {
      context.writer.events.record('attempt.interrupted', { reason: thrown.message });
      record.interrupt();
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
    onPhase('teardown');
    record.startPhase('teardown');
    context.writer.events.record('teardown.start', {});
    record.setUsage(context.launched);
    const errors: string[] = [];
    const note = (thrown: unknown): void => void errors.push(messageOf(thrown));
    await adapter.teardown(context).catch(note);
    const orphans = await removeOrphans(context);
    await context.writer.closeTables().catch(note);
    record.setTeardown({ orphans, error: errors.length === 0 ? null : errors.join('; ') });
    record.endPhase(errors.length === 0 ? 'ok' : 'failed');
    context.writer.events.record('teardown.done', {});
    context.writer.events.close();
  }
}

function windowOf(result: WorkloadResult): Pick<RunTables, 'measuredDurationMs' | 'startedAtMs'> {
  return { measuredDurationMs: result.durationMs, startedAtMs: result.startedAtMs };
}

function stackOf(thrown: unknown): readonly string[] {
  return thrown instanceof Error && thrown.stack !== undefined ? thrown.stack.split('\n').slice(1, 6) : [];
}

async function untilAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  let stop = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = (): void => reject(signal.reason instanceof Error ? signal.reason : new Interruption(String(signal.reason)));
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
