import type { SampleRow } from '../../evidence/tables/samples.ts';
import type { RequestOutcome } from './exchange.ts';
import type { LoadPlan } from './load-plan.ts';

interface RowContext {
  readonly plan: LoadPlan;
  readonly requestId: string;
  /** performance.now() of the scheduled arrival; null in a closed loop. */
  readonly scheduledMs: number | null;
  readonly role: string;
  readonly host: string;
}

/**
 * One request as a row. In an open loop its times start at the scheduled
 * arrival, in a closed loop at the send.
 */
export function toSampleRow(outcome: RequestOutcome, context: RowContext): SampleRow {
  const { plan, scheduledMs } = context;
  const { tokenChunksMs, failure } = outcome;
  const arrivalMs = scheduledMs ?? outcome.sentMs;
  const firstMs = tokenChunksMs[0];
  const gapsMs = tokenChunksMs.slice(1).map((ms, chunk) => ms - (tokenChunksMs[chunk] ?? ms));
  const outputTokens = outcome.usage?.outputTokens ?? tokenChunksMs.length;
  return {
    requestId: context.requestId,
    tsMs: toUnixMs(arrivalMs),
    ttftMs: firstMs === undefined ? null : firstMs - arrivalMs,
    tpotMs: failure === null ? timePerToken(outcome, outputTokens) : null,
    itlMs: meanOf(gapsMs),
    e2elMs: failure === null ? outcome.endedMs - arrivalMs : null,
    inputTokens: outcome.usage?.inputTokens ?? (plan.endpoint === 'completions' ? plan.inputTokens : null),
    outputTokens,
    role: context.role,
    host: context.host,
    ok: failure === null,
    error: failure === null ? null : `${failure.kind}: ${failure.message}`,
    latenessMs: scheduledMs === null ? null : outcome.sentMs - scheduledMs,
    itlsMs: gapsMs,
  };
}

/** A `performance.now()` moment as milliseconds since the Unix epoch. */
export function toUnixMs(momentMs: number): number {
  return performance.timeOrigin + momentMs;
}

/**
 * From the first token to the last over the tokens after the first. Of more tokens than chunks the last may have come with
 * the finish notice, without a text of its own. A single chunk says nothing about the time between tokens.
 */
function timePerToken({ tokenChunksMs, finishMs }: RequestOutcome, outputTokens: number): number | null {
  const [firstMs, lastMs] = [tokenChunksMs[0], tokenChunksMs.at(-1)];
  if (tokenChunksMs.length < 2 || outputTokens < 2 || firstMs === undefined || lastMs === undefined) return null;
  const isWhole = tokenChunksMs.length >= outputTokens;
  const endMs = isWhole ? lastMs : Math.max(lastMs, finishMs ?? lastMs);
  return (endMs - firstMs) / (outputTokens - 1);
}

function meanOf(gapsMs: readonly number[]): number | null {
  return gapsMs.length === 0 ? null : gapsMs.reduce((sum, gap) => sum + gap, 0) / gapsMs.length;
}
