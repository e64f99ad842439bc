import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { storedThresholdSchema } from '../src/config/threshold.ts';
import { loadEngine, sqlText } from '../src/evidence/duckdb.ts';
import { loadTables } from '../src/evidence/tables/load-tables.ts';
import type { SampleColumns, Series } from '../src/evidence/tables/tables.ts';
import { evaluateThreshold } from '../src/verdicts/evaluate.ts';
import type { RunTables } from '../src/verdicts/run-tables.ts';

// One verdict of every kind over a run of a million rows, each once after one load, as a run is judged: whoever comes
// first pays for what the others share. Each attempt is a process of its own, as cold as a job host; the median counts.
// Beside it stands its share of one native sort of a million numbers in the same process, which says more than
// milliseconds on a busy machine: a verdict is late by both. ROWS sets another number of rows; the budget grows with it.
const rows = Number(process.env['ROWS'] ?? 1_000_000);
const attempts = Number(process.env['ATTEMPTS'] ?? 7);
const budgetMs = (30 * rows) / 1_000_000;
/** What 30 ms are of the sort on the machine of docs/performance.md. */
const budgetSorts = 0.3;
const RANKS = 8;

/** The runs that are judged, by what is in them. */
const runs = ['arrived', 'finished'] as const;
type RunName = (typeof runs)[number];

interface Task {
  readonly name: string;
  readonly threshold: Readonly<Record<string, unknown>>;
  /** Which samples are judged: those in the order of their arrival, unless it says otherwise. */
  readonly run?: RunName;
  /** Does what a load leaves to the first verdict that needs it: no budget holds for that. */
  readonly loads?: boolean;
}

const tasks: readonly Task[] = [
  predicate('error_rate'),
  { name: 'Percentile ttft_ms', threshold: latency('ttft_ms') },
  { name: 'Percentile ttft_ms of one role', threshold: { ...latency('ttft_ms'), role: 'decode' } },
  { name: 'Percentile itl_ms, 2 gaps a request', threshold: latency('itl_ms') },
  { name: 'Percentile e2el_ms', threshold: latency('e2el_ms') },
  { name: 'Rate', threshold: { kind: 'Rate', metric: 'throughput', per_unit: 'sec', op: '>=', min_rate: 1 } },
  { name: 'Goodput', threshold: { kind: 'Goodput', ttft_max_ms: 450, tpot_max_ms: 40, op: '>=', min_qps: 1 } },
  { name: 'Stability of requests', threshold: stability('ttft_ms') },
  { name: '  out of order, first of the run', threshold: stability('ttft_ms'), run: 'finished', loads: true },
  { name: '  out of order', threshold: stability('tpot_ms'), run: 'finished' },
  { name: 'Stability of series', threshold: stability('loss') },
  { name: 'Convergence', threshold: { kind: 'Convergence', metric: 'loss', target: 0, epsilon: 1e6, by_step: 1e6 } },
  {
    name: 'Monotonicity',
    threshold: { kind: 'Monotonicity', metric: 'loss', direction: 'non_increasing', window: 1, tolerance: 1e6 },
  },
  ...['loss_finite', 'no_straggler', 'router_balance', 'health'].map(predicate),
];

function predicate(name: string): Task {
  return { name: `Predicate ${name}`, threshold: { kind: 'Predicate', predicate: name } };
}

function latency(metric: string): Task['threshold'] {
  return { kind: 'Percentile', metric, percentile: 99, op: '<=', value: 1e6, min_samples: 'auto' };
}

function stability(metric: string): Task['threshold'] {
  return { kind: 'Stability', metric, window_size: 50, max_variance: 1e9 };
}

/** What one process measured. */
interface Attempt {
  readonly loadMs: number;
  /** One native sort of as many numbers, the median of three. */
  readonly sortMs: number;
  /** Each verdict, in the order of `tasks`. */
  readonly tookMs: readonly number[];
}

const self = fileURLToPath(import.meta.url);
const [, , step, folder = ''] = process.argv;
if (step === undefined) await compare();
else print(JSON.stringify(await judge(folder)));

async function compare(): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), 'assay-bench-verdicts-'));
  try {
    await writeRuns(scratch);
    const all = Array.from({ length: attempts }, () => attempt(scratch));
    const [loadMs, sortMs] = [median(all.map((one) => one.loadMs)), median(all.map((one) => one.sortMs))];
    print(`\nverdicts over ${rows} rows, each once after one load of ${loadMs.toFixed(0)} ms`);
    print(`CPU time, medians of ${attempts} processes; a sort ${sortMs.toFixed(0)} ms\n`);
    print(line('', 'ms', 'sorts'));
    const late = tasks.filter((task, index) => !tell(task, all, index));
    print(line('budget', budgetMs.toFixed(1), budgetSorts.toFixed(2)));
    if (late.length > 0) print(`\nmissed the budget: ${late.map(({ name }) => name.trim()).join(', ')}`);
    process.exitCode = late.length > 0 ? 1 : 0;
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** Prints what one verdict took; false when that is over the budget by both measures. */
function tell({ name, loads = false }: Task, all: readonly Attempt[], index: number): boolean {
  const ms = median(all.map(({ tookMs }) => tookMs[index] ?? NaN));
  const sorts = median(all.map(({ tookMs, sortMs }) => (tookMs[index] ?? NaN) / sortMs));
  print(line(name, ms.toFixed(1), sorts.toFixed(2)));
  return loads || ms <= budgetMs || sorts <= budgetSorts;
}

function line(name: string, ms: string, sorts: string): string {
  return `${name.padEnd(38)}${ms.padStart(8)}${sorts.padStart(8)}`;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

function attempt(scratch: string): Attempt {
  const { status, stdout } = spawnSync(process.execPath, [self, 'judge', scratch], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) throw new Error(`a process that judges ended with ${status}`);
  return JSON.parse(stdout) as Attempt;
}

async function judge(scratch: string): Promise<Attempt> {
  const startedMs = performance.now();
  const { samples, series } = await loadTables(join(scratch, 'arrived'));
  const loadMs = performance.now() - startedMs;
  const { samples: finished } = await loadTables(join(scratch, 'finished'));
  const tables = { arrived: tablesOf(samples, series), finished: tablesOf(finished, []) };
  const tookMs = tasks.map(({ threshold, run = 'arrived' }) => timeOf(threshold, tables[run]));
  return { loadMs, sortMs: median([sortOnce(), sortOnce(), sortOnce()]), tookMs };
}

/** The samples, and series of every metric that a kind or a predicate looks at, each with all points. */
function tablesOf(samples: SampleColumns | null, loss: readonly Series[]): RunTables {
  const named = (metric: string, role = (_rank: number): string => 'worker'): readonly Series[] =>
    loss.map((one, rank) => ({ ...one, metric, role: role(rank) }));
  const routed = named('routed_requests', (rank) => (rank % 2 === 0 ? 'prefill' : 'decode'));
  const series = [...loss, ...named('compute_ms'), ...named('healthy'), ...routed];
  return { samples, series, scalars: {}, measuredDurationMs: 60_000, startedAtMs: 0 };
}

function timeOf(written: object, tables: RunTables): number {
  const threshold = storedThresholdSchema.parse(written);
  const before = process.cpuUsage();
  const verdict = evaluateThreshold(threshold, tables);
  const tookMs = cpuMsSince(before);
  if (verdict.actual === null) throw new Error(verdict.detail);
  return tookMs;
}

function sortOnce(): number {
  const values = new Float64Array(rows);
  for (let index = 0; index < rows; index += 1) values[index] = Math.imul(index, 2_654_435_761);
  const before = process.cpuUsage();
  values.sort();
  return cpuMsSince(before);
}

/** CPU time, of the compiler's and the collector's threads too: what else the machine does adds little to it. */
function cpuMsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** Requests with long tails, of which one in a thousand failed, by arrival and by completion; and a training. */
async function writeRuns(scratch: string): Promise<void> {
  const engine = await loadEngine();
  const connection = await engine.connect();
  const write = (select: string, file: string): Promise<unknown> =>
    connection.run(`COPY (${select}) TO ${sqlText(join(scratch, file))} (FORMAT parquet, COMPRESSION zstd)`);
  for (const name of runs) mkdirSync(join(scratch, name));
  await connection.run(`CREATE TEMP TABLE samples AS ${samplesSql()}`);
  await write('SELECT * FROM samples ORDER BY ts', 'arrived/samples.parquet');
  await write('SELECT * FROM samples ORDER BY ts + to_milliseconds(e2el_ms)', 'finished/samples.parquet');
  await write(trajectorySql(), 'arrived/trajectory.parquet');
  connection.closeSync();
}

function random(salt: number): string {
  return `(hash(i + ${salt * rows}) / 18446744073709551616.0)`;
}

function samplesSql(): string {
  return `
    SELECT printf('%08d-%016x', i, hash(i)) AS request_id, make_timestamp(1767225600000000 + (60000000 * ${random(0)})::BIGINT) AS ts,
      20 - 30 * ln(1 - ${random(1)}) AS ttft_ms, 4 - ln(1 - ${random(2)}) AS tpot_ms, 4 - ln(1 - ${random(3)}) AS itl_ms,
      320 - 90 * ln(1 - ${random(4)}) AS e2el_ms, (1 + 127 * ${random(5)})::INTEGER AS output_tokens,
      CASE WHEN i % 2 = 0 THEN 'prefill' ELSE 'decode' END AS role, 'n' || (i % 4) AS host, 1024 AS input_tokens,
      i % 1000 <> 7 AS ok, NULL::VARCHAR AS error, NULL::DOUBLE AS lateness_ms,
      [4 - ln(1 - ${random(6)}), 4 - ln(1 - ${random(7)})] AS itls_ms
    FROM range(${rows}) AS t(i)`;
}

function trajectorySql(): string {
  return `
    SELECT i // ${RANKS} AS step, make_timestamp(1767225600000000 + i * 60) AS ts, 'loss' AS metric,
      2 + 10000.0 * i / ${rows} + ${random(8)} AS value, 'worker' AS role, 'n1' AS host, (i % ${RANKS})::INTEGER AS rank
    FROM range(${rows}) AS t(i)`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
