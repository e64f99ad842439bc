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
    tpotMs: failure === null ? meanOf(gapsMs, outputTokens - 1) : null,
    itlMs: meanOf(gapsMs, gapsMs.length),
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

/** A single chunk says nothing about the time between tokens, whatever it carries. */
function meanOf(gapsMs: readonly number[], parts: number): number | null {
  if (gapsMs.length === 0 || parts < 1) return null;
  return gapsMs.reduce((sum, gap) => sum + gap, 0) / parts;
}
