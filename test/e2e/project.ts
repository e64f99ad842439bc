import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { COMMAND, NODE, REPOSITORY, TOOLCHAIN, VITEST_SCRIPT } from './toolchain.ts';

export { COMMAND, NODE, REPOSITORY, VITEST_SCRIPT };

/** The cells of the shipped config with a tenth of its load. */
export const QUICK_CONFIG = `schema_version: "2"
test_id: quick
target_gpu: cpu
framework: llama_cpp
workload_kind: inference
topology: {roles: {server: {count: 1, selector: cpu}}}
model: {id: byte_llama, path: ${join(REPOSITORY, 'fixtures/models/byte-llama.gguf')}}
seed: 1
knobs: {backend: node-llama-cpp, quant: f32}
params: {max_model_length: 256, num_prompts: 8, num_warmups: 1}
sweep:
  concurrency: [1, 2, 4]
  isl_osl:
    - {isl: 16, osl: 8, name: balanced}
    - {isl: 32, osl: 4, name: prefill_heavy}
benchmarks: [throughput, ttft_p99]
thresholds:
  - {kind: Rate, metric: throughput, per_unit: sec, op: ">=", min_rate: 1}
  - {kind: Percentile, metric: ttft_ms, percentile: 99, op: "<=", value: 60000}
timeouts: {launch: 60s}
`;

/** The same with one cell. */
export const ONE_CELL = QUICK_CONFIG.replace('[1, 2, 4]', '[2]').replace(/ +- \{isl: 32.*\n/, '');

/** A throw-away project that has the plugin installed, as a user has it. */
export class Project {
  readonly root = realpathSync(mkdtempSync(join(tmpdir(), 'assay-e2e-')));

  readonly #env: Readonly<Record<string, string>>;

  /** `env` is what its sessions find in their environment besides ours. */
  constructor(files: Readonly<Record<string, string>>, env: Readonly<Record<string, string>> = {}) {
    this.#env = env;
    mkdirSync(join(this.root, 'node_modules'));
    symlinkSync(TOOLCHAIN.assay, join(this.root, 'node_modules/vitest-assay'));
    symlinkSync(TOOLCHAIN.vitest, join(this.root, 'node_modules/vitest'));
    this.write('package.json', '{"type": "module"}');
    this.write(
      'vitest.config.js',
      `import { assay } from 'vitest-assay';\nexport default { plugins: [assay()], test: { include: ['tests/**/*.test.js'] } };\n`,
    );
    for (const [path, text] of Object.entries(files)) this.write(path, text);
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    writeFileSync(join(this.root, path), text);
  }

  /** Starts Vitest in the project, without colours. */
  vitest(...args: readonly string[]) {
    // Locks of its own: the sessions of other tests are not to wait for this one.
    const env = { NO_COLOR: '1', CI: 'true', ASSAY_LOCK_FOLDER: join(this.root, 'locks'), ...this.#env };
    return execa(NODE, [VITEST_SCRIPT, ...args], { cwd: this.root, reject: false, all: true, env });
  }

  /** Runs Vitest and answers its tests by the json reporter, with the launches it caused. */
  async run(...args: readonly string[]): Promise<SessionResult> {
    const before = new Set(this.runFolders());
    const report = join(this.root, 'report.json');
    const { all, exitCode } = await this.vitest(
      'run',
      '--reporter=default',
      '--reporter=json',
      `--outputFile=${report}`,
      ...args,
    );
    // A session that does not start writes no report.
    const { testResults = [] } = existsSync(report) ? readJson<JsonReport>(report) : {};
    const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
    return { screen: all, exitCode, tests, launched: this.runFolders().filter((folder) => !before.has(folder)) };
  }

  /** Run directories, absolute, oldest first within a cell. */
  runFolders(): readonly string[] {
    const paths = readdirSync(this.root, { recursive: true, encoding: 'utf8' });
    return paths
      .filter((path) => path.startsWith('runs/') && path.endsWith('/manifest.json'))
      .map((path) => join(this.root, dirname(path)))
      .sort();
  }
}

/** What a session left. */
export interface SessionResult {
  readonly screen: string;
  readonly exitCode: number | undefined;
  readonly tests: readonly {
    readonly fullName: string;
    readonly status: string;
    readonly failureMessages: readonly string[];
  }[];
  readonly launched: readonly string[];
}

interface JsonReport {
  readonly testResults?: readonly { readonly assertionResults: SessionResult['tests'] }[];
}

function readJson<Value>(path: string): Value {
  return JSON.parse(readFileSync(path, 'utf8')) as Value;
}
