import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { COMMAND, NODE, Project, REPOSITORY } from './project.ts';

const fixture = (name: string): string => readFileSync(join(REPOSITORY, 'fixtures/results', name), 'utf8');

const FILES = {
  'results/good.json': fixture('vllm-detailed.json'),
  'results/out.jsonl': fixture('sglang-runs.jsonl'),
  'results/failed.json': fixture('vllm-all-failed.json'),
  'results/cut.json': fixture('vllm-summary.json').slice(0, 100),
  'configs/bench.yaml': `schema_version: "2"
test_id: bench
target_gpu: mi355x
framework: vllm
workload_kind: inference
topology: {roles: {server: {count: 1, gpus_per_node: 1}}}
model: {id: tiny-7b}
knobs: {quant: fp8}
params: {isl: 16, osl: 8, num_prompts: 4}
sweep: {concurrency: [2, 4]}
benchmarks: [ttft_p99]
thresholds: [{kind: Percentile, metric: ttft_ms, percentile: 99, op: "<=", value: 149}]
`,
};

function setUp() {
  const project = new Project(FILES);
  const assay = async (...args: readonly string[]) => {
    const { stdout, stderr, exitCode } = await execa(NODE, [COMMAND, ...args], {
      cwd: project.root,
      reject: false,
      env: { NO_COLOR: '1' },
    });
    return { stdout, stderr, exitCode };
  };
  return { project, assay };
}

/** A screen without what differs from run to run. */
const calm = (screen: string): string => screen.replaceAll(/[0-9a-f]{12}\/[0-9a-f-]{36}/g, '<run>');

describe('assay import', () => {
  it('imports what it can of many files, and says why not of the others', async () => {
    const { assay } = setUp();
    const { stdout, exitCode } = await assay('import', 'results/good.json', 'results/cut.json', 'results/out.jsonl');
    expect(calm(stdout)).toMatchInlineSnapshot(`
      " ✓ results/good.json  vllm-bench, 1 run
         runs/imported_vllm_acme_tiny_7b/conc2/<run>  recorded, 4 requests, 1 failed
       ✗ results/cut.json:4:47 is cut short: its JSON ends in the middle, after 100 bytes: ...el_id": "/cache/models--acme--large-70b/
         next: copy the file again, whole
       ✓ results/out.jsonl  sglang-bench, 3 runs
         runs/imported_sglang_acme_tiny_7b/isl512_osl128-conc8/<run>  recorded, summary only
         runs/imported_sglang_acme_large_70b/rate4/<run>  recorded, 2 requests
         runs/imported_sglang_unknown/isl64_osl32-rate1/<run>  recorded, summary only
         · the file does not say the model of 1 run: --model does
      4 runs from 2 files, 1 refused"
    `);
    expect(exitCode).toBe(2);
    expect((await assay('verify', '--evidence')).stdout).toBe('4 runs checked, 0 damaged');
  });

  it('takes a file once, and again when it is asked to', async () => {
    const { assay } = setUp();
    expect((await assay('import', 'results/good.json')).exitCode).toBe(0);
    const known = await assay('import', 'results/good.json');
    expect(calm(known.stdout)).toMatch(
      /^ ○ results\/good\.json {2}vllm-bench, 0 runs\n.* was imported before: runs\/imported_vllm_acme_tiny_7b\/conc2\/<run>\n {3}next: /,
    );
    expect(known.exitCode).toBe(0);
    expect((await assay('import', '--again', 'results/good.json')).exitCode).toBe(0);
  });

  it('judges runs of a cell, and fails with them', async () => {
    const { assay } = setUp();
    const passed = await assay('import', 'results/good.json', '--config', 'configs/bench.yaml', '--cell', 'conc2');
    expect(calm(passed.stdout)).toBe(
      ' ✓ results/good.json  vllm-bench, 1 run\n   runs/bench/conc2/<run>  passed, 4 requests, 1 failed',
    );
    expect(passed.exitCode).toBe(0);
    const failed = await assay('import', 'results/failed.json', '--config', 'configs/bench.yaml', '--cell', 'conc4');
    expect(calm(failed.stdout)).toContain('runs/bench/conc4/<run>  failed_verification, summary only, 5 failed\n   ✗ ');
    expect(failed.exitCode).toBe(1);
  });

  it('tells machines the same', async () => {
    const { assay, project } = setUp();
    const { stdout, exitCode } = await assay('import', 'results/good.json', 'results/cut.json', '--json');
    const { files } = JSON.parse(stdout) as { readonly files: readonly unknown[] };
    expect(files).toMatchObject([
      {
        file: 'results/good.json',
        format: 'vllm-bench',
        error: null,
        runs: [{ test_id: 'imported_vllm_acme_tiny_7b', cell_id: 'conc2', status: 'recorded', rows: 4, dropped: [] }],
      },
      {
        file: 'results/cut.json',
        runs: [],
        error: { code: 'PARSE_FAILED', message: expect.stringMatching(/^results\/cut\.json:\d+:\d+ is cut short/) },
      },
    ]);
    expect(JSON.stringify(files)).toContain(join(project.root, 'runs/imported_vllm_acme_tiny_7b/conc2/'));
    expect(exitCode).toBe(2);
  });

  it.each([
    [[], 'no file to import', 'assay import results/*.json'],
    [
      ['results/good.json', '--format', 'vlm-bench'],
      '--format vlm-bench: there is no such format',
      'did you mean vllm-bench?',
    ],
    [['results/good.json', '--cell', 'conc2'], '--cell conc2 is a cell of no config', 'name its config with --config'],
    [
      ['results/good.json', '--config', 'configs/bench.yaml'],
      'configs/bench.yaml has 2 cells',
      'name one with --cell: conc2, conc4',
    ],
    [
      ['results/good.json', '--config', 'configs/bench.yaml', '--gpu', 'h200'],
      '--gpu says what --config says too',
      'leave --gpu or --config out',
    ],
    [['results/good.json', '--knob', 'fp8'], '--knob fp8: this is not name=value', '--knob quant=fp8'],
    [['results/good.json', '--gpus', 'h200'], 'there is no option --gpus', 'did you mean --gpu?'],
    [['results/good.json', '--test-id', 'a/b'], 'is no safe place for a run', 'use letters'],
  ])('refuses %j', async (args, message, hint) => {
    const { assay } = setUp();
    const { stdout, stderr, exitCode } = await assay('import', ...args);
    expect(`${stdout}${stderr}`).toContain(message);
    expect(`${stdout}${stderr}`).toContain(hint);
    expect(exitCode).toBe(2);
  });

  it('explains itself with examples', async () => {
    const { assay } = setUp();
    const { stdout, exitCode } = await assay('import', '--help');
    expect(stdout).toContain('assay import bench.json --config configs/my.yaml --cell balanced-conc16');
    expect(exitCode).toBe(0);
  });
});
