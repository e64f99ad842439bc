import type { SampleRow } from '../../../evidence/tables/samples.ts';
import { isRecord, show } from './fields.ts';
import type { Fields, Notes } from './fields.ts';
import { unknownOrigin } from './result-run.ts';
import type { ResultRun } from './result-run.ts';

const NS_PER_MS = 1e6;

const MS_PER: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  sec: 1000,
  seconds: 1000,
};

/** Reads AIPerf's `profile_export.jsonl`, one request a line: warm-ups are counted and left out. */
export function readAiperf(
  lines: readonly Fields[],
  { file, notes }: { readonly file: string; readonly notes: Notes },
): ResultRun {
  const measured = lines.filter((line) => line.child('metadata').value('benchmark_phase') !== 'warmup');
  const warmups = lines.length - measured.length;
  if (warmups > 0) notes.add(`${file}: ${warmups} of ${lines.length} requests are warm-ups and left out`);
  const window = windowOf(measured, { file, notes });
  return {
    origin: unknownOrigin,
    versions: {},
    scalars: { warmup_requests: warmups },
    rows: measured.map((line, index) => rowOf(line, index, window?.startedAtMs ?? null)),
    durationMs: window?.durationMs ?? null,
    startedAtMs: window?.startedAtMs ?? null,
    endedAtMs: window === null ? null : window.startedAtMs + window.durationMs,
    dropped: notes.list(),
  };
}

interface Window {
  readonly startedAtMs: number;
  readonly durationMs: number;
}

/** From the first request to the last answer; null when one of them is not in the file, for rates would be too high. */
function windowOf(
  lines: readonly Fields[],
  { file, notes }: { readonly file: string; readonly notes: Notes },
): Window | null {
  let [startedAtMs, endedAtMs] = [Infinity, -Infinity];
  for (const line of lines) {
    const metadata = line.child('metadata');
    const [start, end] = [metadata.moment('request_start_ns', NS_PER_MS), metadata.moment('request_end_ns', NS_PER_MS)];
    if (start === null || end === null || end < start) {
      notes.add(`${line.at()} does not say when its request began and ended: ${file} has no measured window`);
      return null;
    }
    startedAtMs = Math.min(startedAtMs, start);
    endedAtMs = Math.max(endedAtMs, end);
  }
  if (lines.length === 0) return null;
  return { startedAtMs, durationMs: endedAtMs - startedAtMs };
}

function rowOf(line: Fields, index: number, startedAtMs: number | null): SampleRow {
  const metadata = line.child('metadata');
  const metrics = line.child('metrics');
  const sentAtMs = metadata.moment('request_start_ns', NS_PER_MS);
  const error = errorOf(line, metadata);
  const shared = {
    requestId: metadata.text('x_request_id') ?? String(index),
    tsMs: sentAtMs === null || startedAtMs === null ? 0 : sentAtMs - startedAtMs,
    inputTokens: tokens(metrics, 'input_sequence_length'),
    role: 'server',
    host: 'unknown',
    latenessMs: null,
  };
  if (error !== null) {
    const unmeasured = { ttftMs: null, tpotMs: null, itlMs: null, e2elMs: null, outputTokens: null, itlsMs: [] };
    return { ...shared, ...unmeasured, ok: false, error };
  }
  const itlsMs = gapsOf(metrics);
  const tpotMs = timeOf(metrics, 'inter_token_latency');
  return {
    ...shared,
    ttftMs: timeOf(metrics, 'time_to_first_token'),
    tpotMs,
    itlMs: itlsMs.length === 0 ? tpotMs : itlsMs.reduce((sum, gap) => sum + gap, 0) / itlsMs.length,
    e2elMs: timeOf(metrics, 'request_latency'),
    outputTokens: tokens(metrics, 'output_sequence_length'),
    ok: true,
    error: null,
    itlsMs,
  };
}

/** Why a request failed; null when it did not. */
function errorOf(line: Fields, metadata: Fields): string | null {
  const error = line.value('error');
  if (isRecord(error)) {
    const parts = [error['type'], error['message']].filter((part) => typeof part === 'string' && part !== '');
    return parts.length === 0 ? show(error) : parts.join(': ');
  }
  if (error !== undefined && error !== null) return typeof error === 'string' ? error : show(error);
  return metadata.value('was_cancelled') === true ? 'cancelled' : null;
}

function timeOf(metrics: Fields, name: string): number | null {
  const factor = factorOf(metrics, name);
  const value = factor === null ? null : metrics.child(name).time('value');
  return factor === null || value === null ? null : value * factor;
}

function gapsOf(metrics: Fields): readonly number[] {
  const factor = factorOf(metrics, 'inter_chunk_latency');
  if (factor === null) return [];
  const metric = metrics.child('inter_chunk_latency');
  const gaps = metric.list('value') ?? [];
  const values = gaps.map((_, index) => metric.amountAt('value', index));
  // A sum over what is left would be too small.
  return values.some((gap) => gap === null) ? [] : values.map((gap) => (gap ?? 0) * factor);
}

/** What a metric's unit is in milliseconds; null, with a note, when it is no time. */
function factorOf(metrics: Fields, name: string): number | null {
  if (!metrics.has(name)) return null;
  const unit = metrics.child(name).text('unit') ?? '';
  const factor = Object.hasOwn(MS_PER, unit) ? MS_PER[unit] : undefined;
  if (factor === undefined) metrics.note(name, `is in ${show(unit)}, no unit of time`);
  return factor ?? null;
}

function tokens(metrics: Fields, name: string): number | null {
  return metrics.has(name) ? metrics.child(name).count('value') : null;
}
