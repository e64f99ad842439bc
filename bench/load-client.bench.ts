import type { ChildProcess } from 'node:child_process';
import { fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Arrival, LoadPlan } from '../src/adapters/shared/load-plan.ts';
import type { LoadSummary } from '../src/adapters/shared/load-tally.ts';
import { startLoad } from '../src/adapters/shared/load.ts';
import type { SampleRow } from '../src/evidence/samples.ts';
import type { StubRecord } from './stub-schedule.ts';
import { clockMs, stubSchedule, stubTokens } from './stub-schedule.ts';

// How far the client's TTFT and ITL are from what the server really did, in a
// process of its own, on the clock both share. Budget: 1 ms at p99. Other work on
// the machine can only add to the error: real-time priority (where allowed) keeps
// most of it out, and the best of a few attempts counts.
const budgetMs = 1;
const attempts = 3;

// performance.now() runs on the shared clock, from another zero.
const clockZeroMs = clockMs() - performance.now();

const loads: readonly { name: string; arrival: Arrival; requests: number }[] = [
  {
    name: 'open, 200 requests/s',
    arrival: { kind: 'open', requestRatePerSec: 200, burstiness: 1, maxConcurrency: null },
    requests: 3000,
  },
  { name: 'closed, 32 users', arrival: { kind: 'closed', users: 32 }, requests: 2000 },
];

const chrt = spawnSync('chrt', ['--all-tasks', '--fifo', '--pid', '1', String(process.pid)]);
print(chrt.status === 0 ? 'real-time priority' : 'ordinary priority: a busy machine will show');
const server = fork(fileURLToPath(new URL('./stub-server.js', import.meta.url)));
const [address] = (await once(server, 'message')) as [AddressInfo];
const missed: string[] = [];
for (const load of loads) {
  if (!(await succeeds(load))) missed.push(load.name);
}
server.disconnect();
if (missed.length > 0) print(`\nover ${budgetMs} ms at p99: ${missed.join('; ')}`);
process.exitCode = missed.length === 0 ? 0 : 1;

async function succeeds(load: (typeof loads)[number]): Promise<boolean> {
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    if (await measure(load)) return true;
  }
  return false;
}

async function measure({ name, arrival, requests }: (typeof loads)[number]): Promise<boolean> {
  const plan: LoadPlan = {
    baseUrl: `http://127.0.0.1:${address.port}`,
    model: 'stub',
    endpoint: 'completions',
    arrival,
    requests,
    warmupRequests: 100,
    inputTokens: 1024,
    outputTokens: stubTokens,
    vocabulary: { firstTokenId: 100, size: 128_000 },
    seed: 7,
    requestTimeoutMs: 10_000,
  };
  const rows: SampleRow[] = [];
  const cpuBefore = process.cpuUsage();
  const load = startLoad(plan, { role: 'server', host: 'stub', onSample: (row) => rows.push(row) });
  const summary = await load.done;
  const cpu = process.cpuUsage(cpuBefore);
  return report(name, {
    rows,
    summary,
    cpuSec: (cpu.user + cpu.system) / 1e6,
    records: await recordsOf(server),
  });
}

async function recordsOf(stub: ChildProcess): Promise<Record<string, StubRecord>> {
  stub.send('records');
  const [records] = (await once(stub, 'message')) as [Record<string, StubRecord>];
  return records;
}

interface Measured {
  readonly rows: readonly SampleRow[];
  readonly summary: LoadSummary;
  readonly cpuSec: number;
  readonly records: Readonly<Record<string, StubRecord>>;
}

function report(name: string, { rows, summary, cpuSec, records }: Measured): boolean {
  const pairs = rows.map((row) => pair(row, records[row.requestId]!));
  const ttftErrors = pairs.map(({ ttftError }) => ttftError);
  const itlErrors = pairs.flatMap((found) => found.itlErrors);
  const seconds = (summary.window?.durationMs ?? 0) / 1000;
  print(
    `\n${name}: ${summary.completed} requests in ${seconds.toFixed(1)} s, ${summary.failed} failed, peak ${summary.peakInFlight} in flight`,
  );
  print(
    `client CPU ${cpuSec.toFixed(2)} s (warm-up included), longest event-loop delay ${summary.eventLoopDelayMaxMs.toFixed(2)} ms`,
  );
  print(`${'milliseconds'.padEnd(44)}${['n', 'p50', 'p99', 'max'].map((head) => head.padStart(9)).join('')}`);
  printRow('|ttft client - server|', ttftErrors);
  printRow('|itl client - server|', itlErrors);
  printRow(
    'send to receipt by the server',
    pairs.map(({ transit }) => transit),
  );
  printRow(
    'lateness of the send',
    rows.flatMap((row) => row.latenessMs ?? []),
  );
  printRow(
    '|server - its nominal schedule|',
    pairs.flatMap((found) => found.serverErrors),
  );
  printRow(
    '|ttft client - nominal|',
    pairs.map(({ nominalError }) => nominalError),
  );
  return summary.failed === 0 && quantile(ttftErrors, 0.99) <= budgetMs && quantile(itlErrors, 0.99) <= budgetMs;
}

interface Pair {
  readonly ttftError: number;
  readonly itlErrors: readonly number[];
  readonly transit: number;
  readonly serverErrors: readonly number[];
  readonly nominalError: number;
}

function pair(row: SampleRow, { receivedMs, writtenMs }: StubRecord): Pair {
  const arrivalMs = row.tsMs - performance.timeOrigin + clockZeroMs;
  const { ttftMs, gapsMs } = stubSchedule(row.requestId);
  const serverGaps = gapsBetween(writtenMs);
  if (row.itlsMs.length !== serverGaps.length) throw new Error(`${row.requestId} lost tokens`);
  return {
    ttftError: Math.abs(row.ttftMs! - (writtenMs[0]! - arrivalMs)),
    itlErrors: row.itlsMs.map((gap, index) => Math.abs(gap - serverGaps[index]!)),
    transit: receivedMs - arrivalMs - (row.latenessMs ?? 0),
    serverErrors: gapsBetween([receivedMs, ...writtenMs]).map((gap, index) =>
      Math.abs(gap - [ttftMs, ...gapsMs][index]!),
    ),
    nominalError: Math.abs(row.ttftMs! - ttftMs),
  };
}

function gapsBetween(moments: readonly number[]): number[] {
  return moments.slice(1).map((moment, index) => moment - moments[index]!);
}

function printRow(label: string, values: readonly number[]): void {
  const cells = values.length === 0 ? ['-', '-', '-'] : [0.5, 0.99, 1].map((at) => quantile(values, at).toFixed(3));
  print(`${label.padEnd(44)}${[String(values.length), ...cells].map((cell) => cell.padStart(9)).join('')}`);
}

function quantile(values: readonly number[], fraction: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.ceil(fraction * sorted.length) - 1] ?? Number.NaN;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
