import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { thresholdSchema } from '../src/config/threshold.ts';
import { openCapture } from '../src/evidence/tables/capture.ts';
import { samplesTable } from '../src/evidence/tables/column-schema.ts';
import { loadTables } from '../src/evidence/tables/load-tables.ts';
import type { SampleRow } from '../src/evidence/tables/samples.ts';
import { writeParquet } from '../src/evidence/tables/parquet.ts';
import { evaluateThreshold } from '../src/verdicts/evaluate.ts';
import type { RunTables } from '../src/verdicts/run-tables.ts';

// samples.parquet of a long load: rows into the live stream, the stream into Parquet, then one load and a verdict of
// every kind that judges requests. Each step is a process of its own, so that its memory is its own; noise only adds,
// so the best attempt counts. ROWS sets another number of rows; the budget of a verdict grows with it.
const rows = Number(process.env['ROWS'] ?? 1_000_000);
const attempts = rows > 2_000_000 ? 1 : 3;
const budget = { rowsPerS: 400_000, rssMb: 200, verdictMs: (30 * rows) / 1_000_000 };

/** Rows that are appended between two flushes, as many as a second of a busy load has. */
const FLUSH_ROWS = 20_480;
const DURATION_MS = 60_000;

const thresholds = [
  { kind: 'Percentile', metric: 'ttft_ms', percentile: 99, op: '<=', value: 60 },
  { kind: 'Percentile', metric: 'itl_ms', percentile: 99, op: '<=', value: 60 },
  { kind: 'Rate', metric: 'throughput', per_unit: 'sec', op: '>=', min_rate: 1 },
  { kind: 'Goodput', ttft_max_ms: 450, tpot_max_ms: 40, op: '>=', min_qps: 1 },
  { kind: 'Stability', metric: 'ttft_ms', window_size: 50, max_variance: 1e6 },
];

interface Step {
  readonly tookMs: number;
  /** The CPU time of each verdict, by what it judges; none where none was made. */
  readonly verdictsMs: Readonly<Record<string, number>>;
}

interface Usage extends Step {
  readonly cpuMs: number;
  readonly rssMb: number;
}

const steps = { capture, convert, judge };
type StepName = keyof typeof steps;

const self = fileURLToPath(import.meta.url);
const [, , step, folder = ''] = process.argv;
if (step === undefined) await compare();
else print(JSON.stringify(await steps[step as StepName](folder)));

async function compare(): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), 'assay-bench-sidecars-'));
  try {
    const captured = runStep('capture', scratch);
    const converted = best(() => runStep('convert', scratch));
    const judged = best(() => runStep('judge', scratch));
    const written = statSync(join(scratch, 'samples.parquet')).size / 2 ** 20;
    print(`\nsamples.arrows -> samples.parquet  ${rows} rows, ${written.toFixed(1)} MB`);
    const rowsPerS = (rows / converted.tookMs) * 1000;
    print(`  speed  ${rowsPerS.toFixed(0)} rows/s (budget ${budget.rowsPerS})`);
    tell(converted, budget.rssMb);
    print(`\nlive rows -> samples.arrows  ${((rows / captured.tookMs) * 1000).toFixed(0)} rows/s`);
    tell(captured, budget.rssMb);
    print(`\nverdicts over ${rows} samples, after one load of ${judged.tookMs.toFixed(0)} ms`);
    for (const [name, ms] of Object.entries(judged.verdictsMs)) {
      print(`  ${name.padEnd(20)} ${ms.toFixed(1)} ms CPU (budget ${budget.verdictMs.toFixed(0)})`);
    }
    print(`  memory ${judged.rssMb.toFixed(0)} MB`);
    const isWithin =
      rowsPerS >= budget.rowsPerS &&
      Math.max(captured.rssMb, converted.rssMb) <= budget.rssMb &&
      Math.max(...Object.values(judged.verdictsMs)) <= budget.verdictMs;
    if (!isWithin) print('\nmissed the budget');
    process.exitCode = isWithin ? 0 : 1;
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

function tell({ cpuMs, rssMb }: Usage, budgetMb: number): void {
  print(`  CPU    ${((cpuMs * 1000) / rows).toFixed(2)} µs a row`);
  print(`  memory ${rssMb.toFixed(0)} MB (budget ${budgetMb})`);
}

/** Runs one step in a process of its own. */
function runStep(name: StepName, scratch: string): Usage {
  const usageFile = join(scratch, 'usage.json');
  const preload = fileURLToPath(new URL('../../../../bench/usage-at-exit.mjs', import.meta.url));
  const { status, stdout } = spawnSync(process.execPath, ['--import', preload, self, name, scratch], {
    env: { ...process.env, USAGE_FILE: usageFile },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) throw new Error(`${name} ended with ${status}`);
  return {
    ...(JSON.parse(stdout) as Step),
    ...(JSON.parse(readFileSync(usageFile, 'utf8')) as Omit<Usage, keyof Step>),
  };
}

/** The least of each figure over the attempts. */
function best(attempt: () => Usage): Usage {
  return Array.from({ length: attempts }, attempt).reduce((one, other) => ({
    tookMs: Math.min(one.tookMs, other.tookMs),
    cpuMs: Math.min(one.cpuMs, other.cpuMs),
    rssMb: Math.min(one.rssMb, other.rssMb),
    verdictsMs: Object.fromEntries(
      Object.entries(one.verdictsMs).map(([name, ms]) => [name, Math.min(ms, other.verdictsMs[name] ?? ms)]),
    ),
  }));
}

async function capture(scratch: string): Promise<Step> {
  const startedMs = performance.now();
  const stream = openCapture(join(scratch, 'samples.arrows'), samplesTable);
  for (let index = 0; index < rows; index += 1) {
    stream.append(sampleRow(index));
    if (index % FLUSH_ROWS === 0) await stream.flush();
  }
  await stream.close();
  return { tookMs: performance.now() - startedMs, verdictsMs: {} };
}

async function convert(scratch: string): Promise<Step> {
  const startedMs = performance.now();
  const file = await writeParquet(join(scratch, 'samples.arrows'), join(scratch, 'samples.parquet'), samplesTable);
  const tookMs = performance.now() - startedMs;
  if (file.rows !== rows) throw new Error(`wrote ${file.rows} rows, not ${rows}`);
  return { tookMs, verdictsMs: {} };
}

async function judge(scratch: string): Promise<Step> {
  const startedMs = performance.now();
  const loaded = await loadTables(scratch);
  // They are unpacked when they are first asked for, which the first verdict would pay for all.
  if (loaded.samples?.requestIds.length !== rows) throw new Error(`there are not ${rows} request ids`);
  const tookMs = performance.now() - startedMs;
  const tables: RunTables = { ...loaded, scalars: {}, measuredDurationMs: DURATION_MS, startedAtMs: 0 };
  const verdictsMs = Object.fromEntries(thresholds.map((written) => [nameOf(written), timeOf(written, tables)]));
  return { tookMs, verdictsMs };
}

function nameOf({ kind, metric }: { readonly kind: string; readonly metric?: string }): string {
  return metric === undefined ? kind : `${kind} ${metric}`;
}

/** The CPU time of the first one of its kind, as a run is judged once: what else the machine does adds nothing to it. */
function timeOf(written: object, tables: RunTables): number {
  const threshold = thresholdSchema.parse(written);
  const before = process.cpuUsage();
  const verdict = evaluateThreshold(threshold, tables);
  const { user, system } = process.cpuUsage(before);
  const tookMs = (user + system) / 1000;
  if (!verdict.passed) throw new Error(verdict.detail);
  return tookMs;
}

function sampleRow(index: number): SampleRow {
  const ttftMs = 20 + (index % 9973) / 300;
  return {
    requestId: `${index.toString(36).padStart(8, '0')}-${Math.imul(index, 2_654_435_761).toString(36)}`,
    tsMs: 1_767_225_600_000 + index,
    ttftMs,
    tpotMs: 4 + (index % 1109) / 700,
    itlMs: 4 + (index % 1303) / 700,
    e2elMs: ttftMs + 300,
    inputTokens: 1024,
    outputTokens: 64,
    role: 'server',
    host: `n${index % 4}`,
    ok: true,
    error: null,
    latenessMs: null,
    itlsMs: [4 + (index % 7), 5],
  };
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
