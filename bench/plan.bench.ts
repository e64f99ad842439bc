import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

// `assay plan` over 100 configs with 10,000 cells, as a user types it: the whole process, Vitest and all, against
// the same command over one config with one cell. Noise only adds, so the best attempt counts.
const budget = { wallMs: 3000, rssMb: 400 };
const attempts = 5;
const configs = 100;
const cellsPerConfig = 100;

interface Usage {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly rssMb: number;
}

const repository = fileURLToPath(new URL('../../../../', import.meta.url));
const command = join(repository, 'dist/cli/main.js');
const preload = join(repository, 'bench/usage-at-exit.mjs');

const scratch = mkdtempSync(join(tmpdir(), 'assay-bench-plan-'));
try {
  const many = project(
    'many',
    Array.from({ length: configs }, (_, index) => config(index)),
  );
  const one = project('one', [smallConfig()]);
  expectCells(many, configs * cellsPerConfig);
  expectCells(one, 1);
  const bare = measure(one, []);
  const missed = [[], ['--json']].filter((flags) => !isWithinBudget(flags, measure(many, flags), bare));
  if (missed.length > 0) print('\nmissed the budget');
  process.exitCode = missed.length === 0 ? 0 : 1;
} finally {
  rmSync(scratch, { recursive: true });
}

function isWithinBudget(flags: readonly string[], usage: Usage, bare: Usage): boolean {
  const cells = configs * cellsPerConfig;
  print(`\nassay plan ${flags.join(' ')}  ${cells} cells from ${configs} configs`);
  print(
    `  wall   ${usage.wallMs.toFixed(0)} ms (budget ${budget.wallMs}), ${(usage.wallMs / bare.wallMs).toFixed(2)} x one cell`,
  );
  print(`  CPU    ${usage.cpuMs.toFixed(0)} ms, ${(((usage.cpuMs - bare.cpuMs) * 1000) / cells).toFixed(0)} µs a cell`);
  print(`  memory ${usage.rssMb.toFixed(0)} MB (budget ${budget.rssMb}), one cell ${bare.rssMb.toFixed(0)} MB`);
  return usage.wallMs <= budget.wallMs && usage.rssMb <= budget.rssMb;
}

/** The least of each figure over the attempts. */
function measure(folder: string, flags: readonly string[]): Usage {
  const runs = Array.from({ length: attempts }, () => measureOnce(folder, flags));
  const least = (key: keyof Usage): number => Math.min(...runs.map((run) => run[key]));
  return { wallMs: least('wallMs'), cpuMs: least('cpuMs'), rssMb: least('rssMb') };
}

function measureOnce(folder: string, flags: readonly string[]): Usage {
  const usageFile = join(scratch, 'usage.json');
  const startedMs = performance.now();
  const { status } = spawnSync(process.execPath, ['--import', preload, command, 'plan', ...flags], {
    cwd: folder,
    env: { ...process.env, USAGE_FILE: usageFile },
    stdio: ['ignore', openSync(join(scratch, 'out'), 'w'), 'inherit'],
  });
  const wallMs = performance.now() - startedMs;
  if (status !== 0) throw new Error(`assay plan ended with ${status}`);
  return { wallMs, ...(JSON.parse(readFileSync(usageFile, 'utf8')) as Omit<Usage, 'wallMs'>) };
}

function expectCells(folder: string, cells: number): void {
  measureOnce(folder, ['--json']);
  const { totals } = JSON.parse(readFileSync(join(scratch, 'out'), 'utf8')) as { totals: { cells: number } };
  if (totals.cells !== cells) throw new Error(`planned ${totals.cells} cells, not ${cells}`);
}

/** A project as `npm install` would leave it, with these configs and a pool of 64 nodes. */
function project(name: string, texts: readonly string[]): string {
  const folder = join(scratch, name);
  for (const [index, text] of texts.entries()) write(join(folder, `configs/c${index}.yaml`), text);
  const hosts = Array.from({ length: 64 }, (_, index) => `n${index}`);
  write(join(folder, 'cluster.yaml'), JSON.stringify({ hosts, gpus: 8, labels: ['mi300x'] }));
  const plugin = "assay({ configs: 'configs/*.yaml', cluster: 'cluster.yaml' })";
  const lines = ["import { assay } from 'vitest-assay';", `export default { plugins: [${plugin}] };`];
  write(join(folder, 'vitest.config.mjs'), `${lines.join('\n')}\n`);
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(repository, join(folder, 'node_modules/vitest-assay'));
  symlinkSync(join(repository, 'node_modules/vitest'), join(folder, 'node_modules/vitest'));
  return folder;
}

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

/** The same config with one cell. */
function smallConfig(): string {
  return config(0)
    .replace(/^sweep:[^]*?(?=^benchmarks)/m, 'sweep: {concurrency: [1], isl: 64, osl: 32}\n')
    .replace(/^.*when:.*\n/m, '');
}

/** One config of ten shapes under ten loads, with a dozen claims a cell. */
function config(index: number): string {
  const shapes = Array.from({ length: 10 }, (_, n) => `    - {isl: ${128 * (n + 1)}, osl: 128, name: shape${n}}`);
  return `schema_version: "2"
test_id: bench_${index}
target_gpu: mi300x
framework: vllm
workload_kind: inference
topology: {roles: {server: {count: ${1 + (index % 4)}, gpus_per_node: 8, selector: mi300x}}}
model: {id: model-${index}, precision: fp8}
container: {image: "vllm:latest"}
knobs: {attention: aiter, quant: fp8, backend: vllm-native}
params: {tensor_parallelism: 8, max_model_length: 9216, num_prompts: 1000}
sweep:
  isl_osl:
${shapes.join('\n')}
  concurrency: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]
benchmarks: [throughput, ttft_p99, tpot_p99, itl_p99, goodput]
thresholds:
  - {kind: Rate, metric: throughput, per_unit: sec, op: ">=", min_rate: 1200}
  - {kind: Percentile, metric: ttft_ms, percentile: 99, op: "<=", value: 50}
  - {kind: Percentile, metric: ttft_ms, percentile: 99, op: "<=", value: 90, when: {concurrency: 512}}
  - {kind: Percentile, metric: tpot_ms, percentile: 99, op: "<=", value: 25}
  - {kind: Percentile, metric: itl_ms, percentile: 99, op: "<=", value: 60}
  - {kind: Goodput, ttft_max_ms: 450, tpot_max_ms: 40, op: ">=", min_qps: 6}
`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
