import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { SampleRow } from '../../evidence/tables/samples.ts';
import { estimatePercentile } from '../../verdicts/statistics.ts';
import type { RequestOutcome } from './exchange.ts';
import { toUnixMs } from './sample-row.ts';

/** Where a load stands in its course. */
type LoadPhase = 'warmup' | 'measure' | 'done';

/** Counters of a running load; all but the warm-up's and the heartbeat count measured requests only. */
export interface LoadProgress {
  readonly phase: LoadPhase;
  /** How many the plan has. */
  readonly requests: number;
  readonly sent: number;
  readonly finished: number;
  /** Those of the finished that failed. */
  readonly failed: number;
  readonly inFlight: number;
  /** Of completed requests. */
  readonly outputTokens: number;
  /** Time since the warm-up ended. */
  readonly measuringMs: number;
  readonly warmupFinished: number;
  readonly warmupFailed: number;
  /** Streamed chunks with a token, of both phases: grows as long as the server lives. */
  readonly streamedChunks: number;
}

/** What a load came to; times are milliseconds, counts are of measured requests. */
export interface LoadSummary {
  readonly aborted: boolean;
  /** First (scheduled) arrival to last end, Unix milliseconds; null when nothing was sent. */
  readonly window: {
    readonly startMs: number;
    readonly endMs: number;
    readonly durationMs: number;
  } | null;
  readonly completed: number;
  readonly failed: number;
  /** Of completed requests; null when the server did not count them. */
  readonly totalInputTokens: number | null;
  /** Of completed requests. */
  readonly totalOutputTokens: number;
  /** By HTTP status, or by the kind of failure where the status does not tell. */
  readonly statusCounts: Readonly<Record<string, number>>;
  readonly peakInFlight: number;
  /** How late requests were sent, a wait for a free slot included; null in a closed loop. */
  readonly lateness: {
    readonly p50Ms: number;
    readonly p99Ms: number;
    readonly maxMs: number;
  } | null;
  /** The longest time this process kept a socket waiting while it measured. */
  readonly eventLoopDelayMaxMs: number;
}

// A pause shorter than this can fall between two ticks of the monitor unseen.
const delayResolutionMs = 2;

/** Counts a load as it runs; begins at zero, in the warm-up. */
export class LoadTally {
  readonly #requests: number;
  readonly #latenessMs: number[] = [];
  readonly #statusCounts: Record<string, number> = {};
  readonly #eventLoopDelay = monitorEventLoopDelay({ resolution: delayResolutionMs });
  #phase: LoadPhase = 'warmup';
  #sent = 0;
  #finished = 0;
  #failed = 0;
  #peakInFlight = 0;
  #inputTokens: number | null = 0;
  #outputTokens = 0;
  #warmupFinished = 0;
  #warmupFailed = 0;
  #streamedChunks = 0;
  #measureStartMs: number | null = null;
  #measureEndMs: number | null = null;
  #startMs = Infinity;
  #endMs = -Infinity;

  /** `requests` is how many measured ones are planned. */
  constructor(requests: number) {
    this.#requests = requests;
  }

  startMeasuring(): void {
    this.#phase = 'measure';
    this.#measureStartMs = performance.now();
    this.#eventLoopDelay.enable();
  }

  countChunk(): void {
    this.#streamedChunks += 1;
  }

  countWarmup(row: SampleRow): void {
    this.#warmupFinished += 1;
    if (!row.ok) this.#warmupFailed += 1;
  }

  countSent(): void {
    this.#sent += 1;
    this.#peakInFlight = Math.max(this.#peakInFlight, this.#sent - this.#finished);
  }

  countFinished(row: SampleRow, outcome: RequestOutcome): void {
    const status = statusOf(outcome);
    this.#statusCounts[status] = (this.#statusCounts[status] ?? 0) + 1;
    this.#finished += 1;
    this.#startMs = Math.min(this.#startMs, row.tsMs);
    this.#endMs = Math.max(this.#endMs, toUnixMs(outcome.endedMs));
    if (row.latenessMs !== null) this.#latenessMs.push(row.latenessMs);
    if (row.ok) {
      this.#outputTokens += row.outputTokens ?? 0;
      this.#inputTokens = sumOrNull(this.#inputTokens, row.inputTokens);
    } else {
      this.#failed += 1;
    }
  }

  progress(): LoadProgress {
    const nowMs = this.#measureEndMs ?? performance.now();
    return {
      phase: this.#phase,
      requests: this.#requests,
      sent: this.#sent,
      finished: this.#finished,
      failed: this.#failed,
      inFlight: this.#sent - this.#finished,
      outputTokens: this.#outputTokens,
      measuringMs: nowMs - (this.#measureStartMs ?? nowMs),
      warmupFinished: this.#warmupFinished,
      warmupFailed: this.#warmupFailed,
      streamedChunks: this.#streamedChunks,
    };
  }

  /** Ends the last phase, however it ended. */
  stop(): void {
    this.#phase = 'done';
    this.#measureEndMs = performance.now();
    this.#eventLoopDelay.disable();
  }

  summary(aborted: boolean): LoadSummary {
    return {
      aborted,
      window: this.#finished > 0 ? windowOf(this.#startMs, this.#endMs) : null,
      completed: this.#finished - this.#failed,
      failed: this.#failed,
      totalInputTokens: this.#inputTokens,
      totalOutputTokens: this.#outputTokens,
      statusCounts: { ...this.#statusCounts },
      peakInFlight: this.#peakInFlight,
      lateness: spreadOf(this.#latenessMs),
      // A tick that is on time comes one resolution after the last.
      eventLoopDelayMaxMs: Math.max(0, this.#eventLoopDelay.max / 1e6 - delayResolutionMs),
    };
  }
}

function statusOf({ status, failure }: RequestOutcome): string {
  return failure === null || failure.kind === 'http' ? String(status) : failure.kind;
}

function windowOf(startMs: number, endMs: number): LoadSummary['window'] {
  return { startMs, endMs, durationMs: endMs - startMs };
}

function sumOrNull(sum: number | null, part: number | null): number | null {
  return sum === null || part === null ? null : sum + part;
}

function spreadOf(values: readonly number[]): LoadSummary['lateness'] {
  if (values.length === 0) return null;
  const sortable = Float64Array.from(values);
  const at = (percentile: number): number => estimatePercentile(sortable, percentile, 0.99).value;
  return { p50Ms: at(50), p99Ms: at(99), maxMs: at(100) };
}
