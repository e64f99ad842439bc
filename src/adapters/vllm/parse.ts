import { join } from 'node:path';
import { z } from 'zod';
import type { SampleRow } from '../../evidence/tables/samples.ts';
import { RUN_FILES } from '../../evidence/run-folder.ts';
import type { ParseContext, WorkloadResult } from '../../lifecycle/adapter.ts';
import { readJsonArtifact } from '../../lifecycle/artifact.ts';
import { readIncreases } from '../shared/metrics-figures.ts';
import { vllmServerFigures } from '../shared/metrics-vllm.ts';
import { readRoleLogs } from '../shared/role-logs.ts';
import { LOAD_END_FILE } from '../shared/serving-observe.ts';
import { loadFigures, readKeptLoad } from '../shared/serving-load.ts';
import { placedRow, readServingResult } from '../shared/serving-result.ts';
import { readStartupLogs } from '../shared/startup-keep.ts';
import { readVllmStartup } from '../shared/vllm-startup.ts';
import type { VllmStartup } from '../shared/vllm-startup.ts';
import { appliedOf } from './applied.ts';
import { BENCH_RESULT, ignoresEos } from './bench-argv.ts';
import { requestsBefore } from './client-log.ts';
import { CLIENT_ROLE, SERVER_ROLE } from './launch.ts';
import { LOAD_FILE } from './own-load.ts';
import { vllmParams } from './params.ts';
import { startupFile } from './startup-file.ts';

/** Reads what the load client left, what the server counted meanwhile, and what it said while it started. */
export async function parseVllm(context: ParseContext): Promise<WorkloadResult> {
  const { folder, run } = context;
  const isOwn = vllmParams.parse(run.params).load_client === 'assay';
  const load = await (isOwn ? readOwnLoad(folder) : readBench(context));
  const facts = readVllmStartup((await readStartupLogs(context, SERVER_ROLE, startupFile)).flat());
  return {
    ...load,
    // What the client saw is said over what the server counted.
    scalars: {
      ...vllmServerFigures(await readIncreases(folder, [headOf(run)])),
      ...load.scalars,
      ...startupFigures(facts),
    },
    applied: appliedOf(run, facts),
    frameworkVersions: facts.version === null ? {} : { vllm: facts.version },
  };
}

type LoadResult = Pick<WorkloadResult, 'scalars' | 'startedAtMs' | 'durationMs'>;

/** The rows of our own client were captured while it ran. */
async function readOwnLoad(folder: string): Promise<LoadResult> {
  const load = await readKeptLoad(join(folder, RUN_FILES.attachments, LOAD_FILE));
  const { started_at_ms: startedAtMs = null, duration_ms: durationMs = null } = load.window ?? {};
  return { scalars: loadFigures(load), startedAtMs, durationMs };
}

async function readBench(context: ParseContext): Promise<LoadResult> {
  const { folder, run, writer } = context;
  const bench = await readServingResult(join(folder, RUN_FILES.attachments, BENCH_RESULT), 'vllm-bench');
  const { rows, scalars, durationMs } = bench;
  const startedAtMs = await startOf(folder, durationMs);
  const startMs = startedAtMs ?? Date.parse(run.timestamp_start);
  for (const row of rows) writer.sample(placedRow(row, { role: SERVER_ROLE, host: headOf(run), startMs }));
  return { scalars: { ...scalars, client_output_tokens: await clientTokens(context, bench) }, startedAtMs, durationMs };
}

function headOf({ bindings }: Pick<ParseContext['run'], 'bindings'>): string {
  return bindings[SERVER_ROLE]?.[0] ?? 'unknown';
}

const loadEndSchema = z.object({ ended_at_ms: z.number() });

/** The client saves its result when the load is over, and ends: its own date has no zone, and whole seconds. */
async function startOf(folder: string, durationMs: number | null): Promise<number | null> {
  if (durationMs === null) return null;
  // A second opinion: without it the requests still have their order.
  const end = await readJsonArtifact(join(folder, RUN_FILES.attachments, LOAD_END_FILE), loadEndSchema).catch(
    () => null,
  );
  return end === null ? null : end.ended_at_ms - durationMs;
}

/**
 * The output tokens that the server must have counted, those of requests before the measured ones included; null where
 * nobody can tell: what a failed request got before it failed, or how long an answer was that nobody kept.
 */
async function clientTokens(
  context: ParseContext,
  { rows, scalars }: { readonly rows: readonly SampleRow[]; readonly scalars: WorkloadResult['scalars'] },
): Promise<number | null> {
  const { total_output_tokens: total = null, failed = null } = scalars;
  if (total === null || failed !== 0) return null;
  const logs = await readRoleLogs(context, CLIENT_ROLE);
  const before = requestsBefore(logs.flatMap(({ lines }) => lines));
  if (before === 0) return total;
  const each = ignoresEos(vllmParams.parse(context.run.params)) ? (rows[0]?.outputTokens ?? null) : null;
  return each === null ? null : total + before * each;
}

function startupFigures(facts: VllmStartup): WorkloadResult['scalars'] {
  return {
    server_kv_cache_tokens: facts.kvCacheTokens,
    server_kv_cache_gib: facts.kvCacheGib,
    server_model_gib: facts.modelGib,
    server_model_load_s: facts.modelLoadSeconds,
    server_engine_init_s: facts.engineInitSeconds,
  };
}
