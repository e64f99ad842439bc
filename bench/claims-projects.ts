import { spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Configs of equal size: one of them is a slice of 1 %. */
const CONFIGS = 100;

/** Test functions about one cell, over all suite files. */
export const CLAIMS_PER_CELL = 13;

const repository = fileURLToPath(new URL('../../../../', import.meta.url));

/** Thirteen claims in six suite files. */
const SUITES: Readonly<Record<string, readonly string[]>> = {
  'logistics/started': ['ready', 'finished', 'clean'],
  'logistics/ended': ['stopped', 'no_orphans'],
  'inference/served': ['all_answered', 'no_errors'],
  'inference/asked': ['lengths', 'arrivals'],
  'frameworks/llama_cpp': ['knobs', 'context'],
  'benchmarks/figures': ['throughput', 'ttft_p99'],
};

/** One cell as the other contestants get it: what its claims are called by, and their tags but the tier. */
export interface MatrixCell {
  readonly bracket: string;
  readonly tags: readonly string[];
}

/** A project of ours over `cells` cells; `only` keeps one of its configs. Every claim is trivial and nothing is launched. */
export function assayProject(folder: string, cells: number, only?: number): string {
  const numbers = only === undefined ? Array.from({ length: CONFIGS }, (_, index) => index) : [only];
  for (const number of numbers) write(join(folder, `configs/c${number}.yaml`), config(number, cells / CONFIGS));
  for (const [path, names] of Object.entries(SUITES)) {
    const lines = names.map(
      (name) => `  ${name}: { ${path.startsWith('benchmarks') ? `benchmark: '${name}', ` : ''}check() {} },`,
    );
    const text = ["import { claims } from 'vitest-assay/claims';", 'export default claims({', ...lines, '});'];
    write(join(folder, `suites/${path}.test.ts`), `${text.join('\n')}\n`);
  }
  // A package of its own: Vite would bundle what a config imports by its path.
  write(
    join(folder, 'node_modules/assay-without-launches/index.mjs'),
    `import { assayBy } from '${join(repository, 'dist/vitest/plugin.js')}';
// Every cell has run at once, and there is nothing in its run directory to read.
const ran = Promise.resolve({ state: 'ran', folder: '/nowhere', status: 'passed' });
const done = async () => {};
const idle = { replan() {}, beginPass() {}, request: () => ran, recordSkips: done, cancel: done, stop: done, force: done };
export const assay = (options) => assayBy(options, (plan) => ({ plan, ...idle }));
`,
  );
  write(
    join(folder, 'node_modules/assay-without-launches/package.json'),
    '{"type": "module", "exports": "./index.mjs"}',
  );
  const plugin = "assay({ configs: 'configs/*.yaml', suites: 'suites' })";
  const lines = ["import { assay } from 'assay-without-launches';"];
  lines.push(`export default { plugins: [${plugin}], test: { maxWorkers: 1 } };`);
  write(join(folder, 'vitest.config.mjs'), `${lines.join('\n')}\n`);
  linkModules(folder);
  return folder;
}

/** The same tests without us: names and bodies only, or with the tags as well. */
export function bareProject(folder: string, matrix: readonly MatrixCell[], isTagged: boolean): string {
  write(join(folder, 'matrix.json'), JSON.stringify(matrix));
  for (const [path, names] of Object.entries(SUITES)) {
    const options = isTagged ? `{ tags: [...tags, 'tier_${tierOf(path)}'] }, ` : '';
    const text = [
      "import { readFileSync } from 'node:fs';",
      "import { test } from 'vitest';",
      "const matrix = JSON.parse(readFileSync('matrix.json', 'utf8'));",
      `for (const { bracket, tags } of matrix) for (const name of ${JSON.stringify(names)}) {`,
      `  test(\`\${name}\${bracket}\`, ${options}() => {});`,
      '}',
    ];
    write(join(folder, `${path}.test.ts`), `${text.join('\n')}\n`);
  }
  const tags = isTagged ? allTags(matrix).map((name) => ({ name })) : [];
  write(
    join(folder, 'vitest.config.mjs'),
    `export default { test: { maxWorkers: 1, tags: ${JSON.stringify(tags)} } };\n`,
  );
  linkModules(folder);
  return folder;
}

/** The same tests for pytest: a generated parameter per cell, the tags as markers. */
export function pytestProject(folder: string, matrix: readonly MatrixCell[]): string {
  write(join(folder, 'matrix.json'), JSON.stringify(matrix));
  const markers = allTags(matrix).map((tag) => `    ${tag}`);
  write(join(folder, 'pytest.ini'), `${['[pytest]', 'markers =', ...markers].join('\n')}\n`);
  const shared = [
    'import json, pytest',
    'with open("matrix.json") as file: matrix = json.load(file)',
    'def cells(tier):',
    '    return [pytest.param(index, id=cell["bracket"], marks=[getattr(pytest.mark, tag) for tag in [*cell["tags"], tier]])',
    '            for index, cell in enumerate(matrix)]',
  ];
  write(join(folder, 'cells.py'), `${shared.join('\n')}\n`);
  for (const [path, names] of Object.entries(SUITES)) {
    const tests = names.flatMap((name) => ['@each', `def test_${name}(cell): pass`]);
    const each = `each = pytest.mark.parametrize("cell", cells("tier_${tierOf(path)}"))`;
    const text = ['import pytest', 'from cells import cells', each, ...tests];
    write(join(folder, `test_${path.replace('/', '_')}.py`), `${text.join('\n')}\n`);
  }
  return folder;
}

/** The matrix of a project of ours, as `assay plan --json` tells it. */
export function matrixOf(folder: string): readonly MatrixCell[] {
  const argv = [join(repository, 'dist/cli/main.js'), 'plan', '--json'];
  const { status, stdout } = spawnSync(process.execPath, argv, { cwd: folder, maxBuffer: 2 ** 30, encoding: 'utf8' });
  if (status !== 0) throw new Error(`assay plan ended with ${status}`);
  const { cells } = JSON.parse(stdout) as {
    cells: readonly { id: string; test_id: string; tags: readonly string[] }[];
  };
  return cells.map(({ id, test_id: testId, tags }) => ({ bracket: `[llama_cpp-${testId}-cpu-${id}]`, tags }));
}

function allTags(matrix: readonly MatrixCell[]): readonly string[] {
  const tiers = Object.keys(SUITES).map((path) => `tier_${tierOf(path)}`);
  return [...new Set([...matrix.flatMap(({ tags }) => tags), ...tiers])];
}

function tierOf(path: string): number {
  return { logistics: 1, inference: 2, frameworks: 4, benchmarks: 5 }[path.split('/')[0] ?? ''] ?? 0;
}

function linkModules(folder: string): void {
  mkdirSync(join(folder, 'node_modules'), { recursive: true });
  symlinkSync(repository, join(folder, 'node_modules/vitest-assay'));
  symlinkSync(join(repository, 'node_modules/vitest'), join(folder, 'node_modules/vitest'));
}

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

/** One config of ten shapes under as many loads as it takes, of the one framework that runs anywhere. */
function config(number: number, cells: number): string {
  const shapes = Array.from({ length: 10 }, (_, n) => `    - {isl: ${16 * (n + 1)}, osl: 32, name: shape${n}}`);
  const loads = Array.from({ length: cells / shapes.length }, (_, n) => n + 1);
  return `schema_version: "2"
test_id: bench_${String(number).padStart(2, '0')}
target_gpu: cpu
framework: llama_cpp
workload_kind: inference
topology: {roles: {server: {count: 1, selector: cpu}}}
model: {id: model-${number}, precision: f32, path: ${join(repository, 'fixtures/models/byte-llama.gguf')}}
knobs: {backend: node-llama-cpp, quant: f32}
params: {max_model_length: 256, parallel_slots: 4, threads: 1, num_prompts: 160}
sweep:
  isl_osl:
${shapes.join('\n')}
  concurrency: [${loads.join(', ')}]
benchmarks: [throughput, ttft_p99]
thresholds:
  - {kind: Rate, metric: throughput, per_unit: sec, op: ">=", min_rate: 1200}
  - {kind: Percentile, metric: ttft_ms, percentile: 99, op: "<=", value: 50}
`;
}
