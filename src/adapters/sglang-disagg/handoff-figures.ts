import { percentileName } from '../../config/metric-name.ts';
import type { ParseContext } from '../../lifecycle/adapter.ts';
import { estimatePercentile } from '../../verdicts/statistics.ts';
import { zoneOffsetMs } from '../shared/local-stamps.ts';
import type { Handoff, Handoffs } from './handoffs.ts';

const NS_PER_MS = 1e6;
const PERCENTILES = [50, 75, 90, 95, 99, 99.9];
// Of no use here: the interval of an estimate is not kept.
const CONFIDENCE = 0.95;

/**
 * Writes every handoff as points of the trajectory, counted in the order that decode servers began with them:
 * `kv_transfer_ms`, and the moments `prefill_done_ns` and `decode_start_ns`, nanoseconds since the Unix epoch with the
 * precision of a millisecond, each by its own server's clock.
 *
 * They are no columns of the samples: those are the requests as the load client saw them, and it keeps no id that the
 * servers know. Which handoff belongs to which of them nobody can tell, and rows of their own would be requests that
 * nobody sent, in every rate and count. So their percentiles are judged as scalars, `kv_transfer_p99_ms` and the like.
 */
export function writeHandoffs(writer: ParseContext['writer'], { joined }: Handoffs, startedAtMs: number): void {
  const stamps = joined.map(({ stamp }) => Date.parse(`${stamp.replace(' ', 'T').replace(',', '.')}Z`));
  const offsetMs = stamps.length === 0 ? 0 : zoneOffsetMs(Math.min(...stamps), startedAtMs);
  for (const [step, handoff] of joined.entries()) {
    const { decodeHost: host, decodeStartMs } = handoff;
    const tsMs = decodeStartMs ?? (stamps[step] ?? NaN) - offsetMs;
    for (const [metric, value] of Object.entries(pointsOf(handoff))) {
      if (value !== null) writer.point({ step, tsMs, metric, value, role: 'decode', host, rank: null });
    }
  }
}

function pointsOf({ kvTransferMs, prefillDoneMs, decodeStartMs }: Handoff): Readonly<Record<string, number | null>> {
  return {
    kv_transfer_ms: kvTransferMs,
    prefill_done_ns: prefillDoneMs === null ? null : prefillDoneMs * NS_PER_MS,
    decode_start_ns: decodeStartMs === null ? null : decodeStartMs * NS_PER_MS,
  };
}

/** What the handoffs come to; null where no server says it. */
export function handoffFigures({ joined, unmatched }: Handoffs): Readonly<Record<string, number | null>> {
  const isReported = joined.length + unmatched > 0;
  return {
    handoffs: isReported ? joined.length : null,
    handoffs_unmatched: isReported ? unmatched : null,
    ...figuresOf(
      'kv_transfer_ms',
      joined.map(({ kvTransferMs }) => kvTransferMs),
    ),
    ...figuresOf(
      'kv_wait_ms',
      joined.map(({ kvWaitMs }) => kvWaitMs),
    ),
  };
}

/** Of values that not all are known, none: those that are left out may be the slowest. */
function figuresOf(metric: string, all: readonly (number | null)[]): Readonly<Record<string, number | null>> {
  const values = Float64Array.from(all.filter((value) => value !== null));
  const isWhole = all.length > 0 && values.length === all.length;
  const stem = metric.replace(/_ms$/, '');
  const percentiles = PERCENTILES.map((percentile) => [
    `${percentileName(metric, percentile)}_ms`,
    isWhole ? estimatePercentile(values, percentile, CONFIDENCE).value : null,
  ]);
  return {
    [`${stem}_mean_ms`]: isWhole ? values.reduce((total, value) => total + value, 0) / values.length : null,
    ...(Object.fromEntries(percentiles) as Readonly<Record<string, number | null>>),
    [`${stem}_max_ms`]: isWhole ? values.reduce((a, b) => Math.max(a, b)) : null,
  };
}
