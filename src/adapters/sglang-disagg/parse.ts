import type { ParseContext, WorkloadResult } from '../../lifecycle/adapter.ts';
import { growthOf, meanOf, readIncreases } from '../shared/metrics-figures.ts';
import { readRoleLogs } from '../shared/role-logs.ts';
import type { RoleLog } from '../shared/role-logs.ts';
import { placedRow } from '../shared/serving-result.ts';
import { readSglangStartup } from '../shared/sglang-startup.ts';
import type { SglangStartup } from '../shared/sglang-startup.ts';
import { readStartupLogs } from '../shared/startup-keep.ts';
import { appliedOf } from './applied.ts';
import { readObserved, readRegistered } from './attachments.ts';
import { readBenchResult } from './bench-result.ts';
import { handoffFigures, writeHandoffs } from './handoff-figures.ts';
import { joinHandoffs, requestRecords } from './handoffs.ts';
import type { Handoffs } from './handoffs.ts';
import { ROUTER_ROLE } from './launch.ts';
import { sglangDisaggParams } from './params.ts';
import { readRouterLog } from './router-log.ts';
import { startupFile } from './startup-file.ts';
import { readStartups, writeStartups } from './startups.ts';

/** The client's own default. */
const WARMUPS = 1;

/** Reads the load client's result, and what servers and router printed and counted. */
export async function parseSglang(context: ParseContext): Promise<WorkloadResult> {
  const { folder, run, writer } = context;
  const params = sglangDisaggParams.parse(run.params);
  const { rows, ...bench } = await readBenchResult(folder, params);
  const [prefill, decode, router] = await Promise.all([
    logsOf(context, 'prefill'),
    logsOf(context, 'decode'),
    logsOf(context, ROUTER_ROLE),
  ]);
  const startedMs = Date.parse(run.timestamp_start);
  const host = router[0]?.host ?? prefill[0]?.host ?? 'unknown';
  const place = { role: ROUTER_ROLE, host, startMs: bench.startedAtMs ?? startedMs };
  for (const row of rows) writer.sample(placedRow(row, place));
  for (const point of await readObserved(folder)) writer.point(point);
  const all = joinHandoffs(requestRecords([...prefill, ...decode]));
  const handoffs = withoutWarmups(all, params.num_warmups ?? WARMUPS, bench.scalars['completed'] ?? null);
  writeHandoffs(writer, handoffs, startedMs);
  const startups = await readStartups(folder, run.launches);
  writeStartups(writer, startups);
  const routerFacts = readRouterLog((await readStartupLogs(context, ROUTER_ROLE, startupFile)).flat());
  return {
    ...bench,
    scalars: {
      ...bench.scalars,
      ...handoffFigures(handoffs),
      ...(await serverFigures(context)),
      ...startups.scalars,
      router_errors: router.length === 0 ? null : routerFacts.errors,
    },
    applied: appliedOf(run.knobs, params, {
      servers: { prefill: await factsOf(context, 'prefill'), decode: await factsOf(context, 'decode') },
      router: routerFacts,
      registered: await readRegistered(folder),
    }),
  };
}

/** A second opinion: servers that an earlier cell started may have had nothing to say since. */
function logsOf(context: ParseContext, role: string): Promise<readonly RoleLog[]> {
  return readRoleLogs(context, role, { mayBeSilent: true }).catch(() => []);
}

/** The warm-up requests are over before the measured ones begin. */
function withoutWarmups({ joined, unmatched }: Handoffs, warmups: number, completed: number | null): Handoffs {
  const excess = completed === null ? 0 : Math.max(0, joined.length - completed);
  return { joined: joined.slice(Math.min(excess, warmups)), unmatched };
}

/** What the servers measured themselves, warm-up requests included. */
async function serverFigures({ folder, run }: ParseContext): Promise<Readonly<Record<string, number | null>>> {
  const prefill = await readIncreases(folder, run.bindings['prefill'] ?? []);
  const decode = await readIncreases(folder, run.bindings['decode'] ?? []);
  return {
    server_kv_transfer_mean_ms: meanOf(prefill, 'sglang:kv_transfer_latency_ms'),
    server_output_tokens: growthOf(decode, 'sglang:generation_tokens_total'),
    server_transfer_failures: growthOf(prefill, 'sglang:num_transfer_failed_reqs_total'),
  };
}

/** One entry per host. */
async function factsOf(context: ParseContext, role: string): Promise<readonly SglangStartup[]> {
  return (await readStartupLogs(context, role, startupFile)).map(readSglangStartup);
}
