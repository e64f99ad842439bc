import type { SampleRow } from '../../evidence/tables/samples.ts';
import type { ParseContext, WorkloadResult } from '../../lifecycle/adapter.ts';
import type { ResultRun } from '../shared/results/result-run.ts';
import { readIncreases } from '../shared/metrics-figures.ts';
import { vllmServerFigures } from '../shared/metrics-vllm.ts';
import { placedRow } from '../shared/serving-result.ts';
import { readStartupLogs } from '../shared/startup-keep.ts';
import { appliedTo } from './applied.ts';
import { inferencemaxParams } from './params.ts';
import { readResultFiles } from './result-files.ts';
import type { Found } from './result-files.ts';
import { STARTUP, readServerLog } from './server-log.ts';

/**
 * Reads what a load left: the client's own result, the aggregate that InferenceX makes of it, or the requests of an
 * agentic load. A figure of the client's is taken before the aggregate's, a null never before a number.
 */
export async function parseInferencemax(context: ParseContext): Promise<WorkloadResult> {
  const { run, writer } = context;
  const params = inferencemaxParams.parse(run.params);
  const found = await readResultFiles(context.folder, params);
  const server = readServerLog((await readStartupLogs(context, 'server', STARTUP.fileOf)).flat());
  const increases = await readIncreases(context.folder, run.bindings['server'] ?? []);
  const window = windowOf(found);
  const [host = 'unknown'] = run.bindings['server'] ?? [];
  const place = { host, startMs: window.startedAtMs ?? Date.parse(run.timestamp_start) };
  const rows = (found.requests ?? found.raw)?.rows.map((row) => placed(row, place)) ?? [];
  for (const row of rows) writer.sample(row);
  const scalars = scalarsOf(found, rows);
  writeBatch(writer, scalars, { ...place, tsMs: place.startMs + (window.durationMs ?? 0) });
  return {
    scalars: { ...scalars, ...vllmServerFigures(increases) },
    applied: appliedTo({ params, knobs: run.knobs }, { found, server }),
    frameworkVersions: server.versions,
    ...window,
  };
}

function windowOf({ raw, requests, aggregate }: Found): Pick<WorkloadResult, 'startedAtMs' | 'durationMs'> {
  const runs = [requests, raw, aggregate].filter((run) => run !== null);
  const first = (name: 'startedAtMs' | 'durationMs'): number | null =>
    runs.map((run) => run[name]).find((value) => value !== null) ?? null;
  return { startedAtMs: first('startedAtMs'), durationMs: first('durationMs') };
}

/** A request with its place, and its figures by the names that the frameworks' table has for InferenceMAX. */
function placed(row: SampleRow, { host, startMs }: { readonly host: string; readonly startMs: number }): SampleRow {
  const { e2elMs, inputTokens, outputTokens } = row;
  return {
    ...placedRow(row, { role: 'server', host, startMs }),
    more: {
      latency_ms: e2elMs,
      tokens: inputTokens === null || outputTokens === null ? null : inputTokens + outputTokens,
      throughput_tps: outputTokens === null || e2elMs === null || e2elMs === 0 ? null : (outputTokens * 1000) / e2elMs,
    },
  };
}

type Scalars = ResultRun['scalars'];

function scalarsOf({ aggregate, raw, requests }: Found, rows: readonly SampleRow[]): Scalars {
  const completed = rows.filter(({ ok }) => ok).length;
  const counted = requests === null ? {} : { requests: rows.length, completed, failed: rows.length - completed };
  const scalars = overlaid([aggregate?.scalars ?? {}, raw?.scalars ?? {}, requests?.scalars ?? {}, counted]);
  const perRequest = (name: string): number | null => {
    const [total, of] = [scalars[name] ?? null, scalars['completed'] ?? null];
    return total === null || of === null || of === 0 ? null : total / of;
  };
  return {
    ...scalars,
    mean_input_tokens: perRequest('total_input_tokens'),
    mean_output_tokens: perRequest('total_output_tokens'),
  };
}

/** Later ones win, but for their nulls. */
function overlaid(layers: readonly Scalars[]): Scalars {
  const merged: Record<string, number | null> = {};
  for (const [name, value] of layers.flatMap((layer) => Object.entries(layer))) {
    merged[name] = value ?? merged[name] ?? null;
  }
  return merged;
}

/** One load at one concurrency is one batch: its mean latency, its tokens both ways, its output tokens per second. */
function writeBatch(
  writer: ParseContext['writer'],
  scalars: Scalars,
  { host, tsMs }: { readonly host: string; readonly tsMs: number },
): void {
  const [input, output] = [scalars['total_input_tokens'] ?? null, scalars['total_output_tokens'] ?? null];
  const batch = {
    latency_ms: scalars['e2el_mean_ms'] ?? null,
    tokens: input === null || output === null ? null : input + output,
    throughput_tps: scalars['throughput_tps'] ?? null,
  };
  for (const [metric, value] of Object.entries(batch)) {
    if (value !== null) writer.point({ step: 0, tsMs, metric, value, role: 'server', host, rank: null });
  }
}
