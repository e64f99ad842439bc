import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { v7 as uuidv7 } from 'uuid';
import type { Sha256 } from '../src/core/hash.ts';
import { hashOf } from '../src/core/hash.ts';
import { MANIFEST_VERSION, manifestSchema } from '../src/evidence/manifest.ts';
import type { Manifest } from '../src/evidence/manifest.ts';
import { runFolder } from '../src/evidence/run-folder.ts';
import { fingerprintSidecars, RunWriter } from '../src/evidence/run-writer.ts';

/** What runs to make. */
export interface StoredRunsOptions {
  readonly artifacts: string;
  readonly count: number;
  /** Rows of samples.parquet; without any there is no such file. */
  readonly samples: number;
  /** The number of the first; 0 by default. */
  readonly first?: number;
  /** What the manifest of a run says instead, by its number. */
  readonly manifestOf?: (index: number) => Partial<Manifest>;
}

/**
 * Makes runs that ended, with valid manifests and hashes. What they leave besides the manifest is made once and
 * copied. They begin a minute apart, number 0 on 2026-01-01. Answers the run directories.
 */
export async function makeStoredRuns(options: StoredRunsOptions): Promise<readonly string[]> {
  const { artifacts, count, samples, first = 0, manifestOf = () => ({}) } = options;
  const model = mkdtempSync(join(tmpdir(), 'assay-bench-run-'));
  try {
    const sidecars = await modelRun(model, samples);
    return Array.from({ length: count }, (_, order) => {
      const index = first + order;
      const manifest = { ...manifestOfRun(index), sidecars, ...manifestOf(index) };
      const { test_id: testId, cell_id: cellId, run_id: runId } = manifest;
      const workloadHash = manifest.workload_hash as Sha256;
      const folder = runFolder(artifacts, { testId, cellId, workloadHash, runId });
      for (const path of Object.keys(sidecars)) {
        mkdirSync(dirname(join(folder, path)), { recursive: true });
        copyFileSync(join(model, path), join(folder, path));
      }
      // The first of all is checked: the others differ in values only.
      const checked = order === 0 ? manifestSchema.parse(manifest) : manifest;
      writeFileSync(join(folder, 'manifest.json'), `${JSON.stringify(checked, null, 2)}\n`);
      return folder;
    });
  } finally {
    rmSync(model, { recursive: true });
  }
}

const STARTED_MS = Date.parse('2026-01-01T00:00:00Z');
const MINUTE_MS = 60_000;

/** What a run leaves besides its manifest, in a folder. */
async function modelRun(folder: string, samples: number): Promise<Manifest['sidecars']> {
  mkdirSync(join(folder, 'logs'));
  for (const name of ['stdout', 'stderr']) writeFileSync(join(folder, `logs/${name}.log`), `${name} of a bench\n`);
  writeFileSync(join(folder, 'config.resolved.yaml'), 'framework: vllm\n');
  const writer = new RunWriter(folder);
  for (let index = 0; index < samples; index += 1) writer.sample(sampleRow(index));
  const rows = await writer.toParquet();
  writer.events.close();
  for (const file of readdirSync(folder)) if (rows[file] === 0) rmSync(join(folder, file));
  if (statSync(join(folder, 'events.jsonl'), { throwIfNoEntry: false }) === undefined) {
    writeFileSync(join(folder, 'events.jsonl'), '');
  }
  return fingerprintSidecars(folder, rows);
}

function sampleRow(index: number): Parameters<RunWriter['sample']>[0] {
  const ttftMs = 20 + (index % 97) / 3;
  return {
    requestId: `request-${index}`,
    tsMs: STARTED_MS + index,
    ttftMs,
    tpotMs: 4 + (index % 11) / 7,
    itlMs: 4 + (index % 13) / 7,
    e2elMs: ttftMs + 300,
    inputTokens: 1024,
    outputTokens: 64,
    role: 'server',
    host: 'n1',
    ok: true,
    error: null,
    latenessMs: null,
    itlsMs: [4, 5],
  };
}

const CONCURRENCIES = [1, 2, 4, 8, 16, 32, 64, 128];
const RUNS_PER_CELL = 20;

/** The manifest of run number `index`: 20 runs of each cell, 8 cells of each config. */
function manifestOfRun(index: number): Manifest {
  const cell = Math.floor(index / RUNS_PER_CELL);
  const config = Math.floor(cell / CONCURRENCIES.length);
  const concurrency = CONCURRENCIES[cell % CONCURRENCIES.length] ?? 1;
  const startedMs = STARTED_MS + index * MINUTE_MS;
  const at = (offsetMs: number): string => new Date(startedMs + offsetMs).toISOString();
  const quant = config % 2 === 0 ? 'fp4' : 'fp8';
  const knobs = { attention: 'aiter', quant, backend: 'vllm-native', fused_moe: 'aiter_a16w4' };
  const axes = { isl: 1024, osl: 1024, isl_osl: 'balanced', concurrency };
  const params = { ...axes, tensor_parallelism: 8, max_model_length: 9216, num_prompts: 3200 };
  const phase = (offsetMs: number, durationS: number) =>
    ({ started_at: at(offsetMs), duration_s: durationS, status: 'ok' }) as const;
  return {
    schema_version: MANIFEST_VERSION,
    run_id: uuidv7({ msecs: startedMs, seq: index }),
    test_id: `bench_${config}`,
    cell_id: `balanced-conc${concurrency}`,
    config_hash: hashOf({ config }),
    workload_hash: hashOf({ config, params, knobs }),
    verification_hash: hashOf({ thresholds: config }),
    experiment_id: `vllm/model-${config % 20}/${quant}+aiter+vllm-native/mi355x`,
    tool: { name: 'vitest-assay', version: '0.1.0', git_sha: null },
    git_sha: hashOf(Math.floor(index / 50)).slice('sha256:'.length, 'sha256:'.length + 40),
    invoker: { user: 'bench', hostname: 'n0', argv: ['assay', 'run'], ci: null },
    imported: null,
    timestamp_start: at(0),
    timestamp_end: at(50_000),
    hosts: [{ hostname: 'n1', ip: '127.0.0.1', role: 'server', roles: ['server'], fingerprint: FINGERPRINT }],
    framework_versions: { vllm: '0.10.2', torch: '2.7.1', rocm: '6.4.0' },
    executor: { kind: 'ssh', allocation: null },
    container: { image: 'vllm:bench', digest: hashOf('image'), runtime: 'docker' },
    framework_image_digest: hashOf('image'),
    framework: 'vllm',
    workload_kind: 'inference',
    target_gpu: 'mi355x',
    config_file: `configs/bench_${config}.yaml`,
    model_descriptor: { id: `model-${config % 20}`, precision: quant },
    knobs,
    params,
    axes,
    bindings: { server: ['n1'] },
    tags: ['framework_vllm', `knob_quant_${quant}`, 'topology_single'],
    launches: [launchOn('n1', concurrency)],
    workload_inputs: { framework: 'vllm', knobs, params, bindings: { server: ['n1'] } },
    enforce: true,
    waited_s: 0,
    phases: {
      prepare: phase(0, 4.3),
      launch: phase(4300, 20.5),
      await: phase(24_800, 20),
      parse: phase(44_800, 1.8),
      verify: phase(46_600, 0.1),
      teardown: phase(46_700, 3.3),
    },
    status: 'passed',
    failure: null,
    skip: null,
    interruption: null,
    teardown: { orphans: 0, kept: false, unconfirmed: [], error: null },
    warnings: [],
    verdicts: BENCHMARKS.map((benchmark, order) => verdictOf(benchmark, index + order)),
    verifications: [],
    reparses: [],
    result: {
      scalars: Object.fromEntries(SCALARS.map((name, order) => [name, order + (index % 1000) / 7])),
      applied: {},
      measured: { started_at_ms: startedMs + 24_800, duration_ms: 20_000 },
    },
    resources: { 'server.n1': { cpu_s: 20, peak_rss_bytes: 2 ** 30 } },
    host_resources: {},
    instruments: {},
    captured_rows: null,
    samples_path: 'samples.parquet',
    trajectory_path: null,
    events_path: 'events.jsonl',
    sidecars: {},
  };
}

const FINGERPRINT = {
  cpu: 'a processor of 64 cores',
  cores: 128,
  memory_bytes: 2 ** 40,
  kernel: '6.8.0',
  os: 'Linux',
  gpu: 'mi355x',
  gpus: 8,
};

const PERCENTILES = ['p50', 'p90', 'p99'];
const LATENCIES = ['ttft', 'tpot', 'itl', 'e2el'].flatMap((metric) =>
  PERCENTILES.map((rank) => `${metric}_${rank}_ms`),
);
const SCALARS = ['requests', 'completed', 'failed', 'throughput_tps', 'peak_in_flight', ...LATENCIES];

const BENCHMARKS = ['throughput', 'ttft_p99', 'tpot_p99', 'itl_p99', 'goodput'];

function verdictOf(benchmark: string, value: number): Manifest['verdicts'][number] {
  const actual = 20 + (value % 100) / 7;
  return {
    kind: 'Percentile',
    metric: 'ttft_ms',
    benchmark,
    op: '<=',
    expected: 50,
    actual,
    passed: true,
    margin: 50 - actual,
    n: 3200,
    interval: { low: actual - 1, high: actual + 1, confidence: 0.95 },
    source: 'configs/bench.thresholds.yaml:3',
    outcome: 'passed',
    detail: `p99 of ttft_ms is ${actual.toFixed(1)} ms, at most 50 ms`,
    evidence: { file: 'samples.parquet', worst: [{ request_id: 'request-96', value: 52 }] },
  };
}

function launchOn(host: string, concurrency: number): Manifest['launches'][number] {
  const argv = ['vllm', 'serve', 'model', '--max-num-seqs', String(concurrency), '--max-model-len', '9216'];
  return {
    role: 'server',
    host,
    pid: 1000,
    container: 'c',
    argv,
    env: { HIP_VISIBLE_DEVICES: '0' },
    reused_from: null,
  };
}
