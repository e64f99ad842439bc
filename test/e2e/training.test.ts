import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { workerArgv, type WorkerOptions } from '../../src/adapters/jax-js/worker-argv.ts';
import { parseWorkerLine, type StepFigures } from '../../src/adapters/jax-js/worker-lines.ts';
import { modelCardSchema } from '../../src/adapters/shared/model-card.ts';
import type { Manifest } from '../../src/evidence/manifest.ts';
import { readTrajectory } from '../../src/evidence/tables/read-columns.ts';
import { Project, REPOSITORY } from './project.ts';

const WORKER = join(REPOSITORY, 'dist/adapters/jax-js/worker-main.js');
const CORPUS = join(REPOSITORY, 'fixtures/models/corpus');

/** A training of a few steps on windows of a few bytes. */
const OPTIONS: WorkerOptions = {
  ranks: 2,
  steps: 4,
  microBatchSize: 1,
  sequenceLength: 16,
  learningRate: 3e-3,
  warmupSteps: 2,
  finalLearningRateShare: 0.05,
  weightDecay: 0.1,
  maxGradNorm: 1,
  seed: 1,
  heldOutWindowLength: 128,
  corpus: CORPUS,
};

const CONFIG = `schema_version: "2"
test_id: learn
target_gpu: cpu
framework: jax_js
workload_kind: training
topology: {roles: {worker: {count: 1, selector: cpu}}}
model: {id: byte_llama, precision: f32}
dataset: {id: corpus, path: ${CORPUS}, window_length: 128}
params: {steps: 20, micro_batch_size: 2, sequence_length: 32, warmup_steps: 3}
sweep: {ranks: [2]}
benchmarks: [convergence, throughput, loss_finite, no_straggler]
thresholds:
  - {kind: Convergence, metric: loss, target: 3.5, epsilon: 0.1, op: "<="}
  - {kind: Rate, metric: throughput, per_unit: sec, op: ">=", min_rate: 1}
`;

function startWorker(options: Partial<WorkerOptions>, env: Readonly<Record<string, string>> = {}) {
  const args = [WORKER, ...workerArgv({ ...OPTIONS, ...options })];
  return spawn(process.execPath, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
}

async function runWorker(options: Partial<WorkerOptions>, env: Readonly<Record<string, string>> = {}) {
  const child = startWorker(options, env);
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { lines: stdout.trimEnd().split('\n').map(parseWorkerLine), stderr, code: code as number | null };
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as Manifest;
}

describe('the worker of a training', () => {
  it('ends with the same bits on both ranks, twice over', async () => {
    const digests = async (): Promise<ReadonlyMap<number, string>> => {
      const { lines, code } = await runWorker({});
      expect(code).toBe(0);
      return new Map(lines.flatMap((line) => (line?.event === 'weights' ? [[line.rank, line.sha256]] : [])));
    };
    const once = await digests();
    expect(new Set(once.keys())).toEqual(new Set([0, 1]));
    expect(new Set(once.values()).size).toBe(1);
    expect(await digests()).toEqual(once);
  });

  it('sees the losses on two ranks that one rank sees on twice the batch', async () => {
    const lossesOf = async (options: Partial<WorkerOptions>): Promise<readonly number[]> => {
      const { lines } = await runWorker(options);
      const steps = lines.filter((line): line is StepFigures => line?.event === 'step' && line.rank === 0);
      return steps.map(({ loss }) => loss);
    };
    const [alone, together] = [await lossesOf({ ranks: 1, microBatchSize: 2 }), await lossesOf({})];
    expect(together).toHaveLength(4);
    together.forEach((loss, step) => expect(loss).toBeCloseTo(alone[step]!, 3));
  });

  it('ends with a clear message when a rank dies, though the other one waits for it', async () => {
    const { code, stderr, lines } = await runWorker({}, { ASSAY_JAXJS_DEAD_RANK: '1:2' });
    expect(stderr).toBe('assay-jax-js: error: rank 1 died: the fault that was asked for in step 2\n');
    expect(code).toBe(1);
    expect(lines.filter((line) => line?.event === 'step' && line.step >= 2)).toEqual([]);
  });

  it('ends at once on SIGTERM, with all its threads', async () => {
    const child = startWorker({ steps: 1e6 });
    const printed = createInterface({ input: child.stdout });
    for await (const line of printed) {
      if (parseWorkerLine(line)?.event === 'step') break;
    }
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([null, 'SIGTERM']);
  });

  it.each([
    [
      'another text',
      { corpusSha256: '0'.repeat(64) },
      /^assay-jax-js: error: the text of \S+ has sha256 [0-9a-f]{64}, the config expects 0{64}\n$/,
    ],
    ['no text', { corpus: '/nowhere' }, /^assay-jax-js: error: cannot read the corpus folder \/nowhere: ENOENT/],
  ])('refuses %s', async (_, options, message) => {
    const { code, stderr } = await runWorker(options);
    expect(stderr).toMatch(message);
    expect(code).toBe(1);
  });
});

describe('a training in a project', () => {
  it('learns on two ranks in step, and llama.cpp finds the model as good as the trainer did', async () => {
    const project = new Project({ 'configs/learn.yaml': CONFIG });
    const { tests, launched, screen, exitCode } = await project.run();
    const [folder] = launched;
    expect(
      tests.filter(({ status }) => status !== 'passed'),
      screen,
    ).toEqual([]);
    expect(exitCode).toBe(0);
    const names = tests.map(({ fullName }) => fullName.replace(/^.*?(\w+)\[.*$/, '$1'));
    expect(names).toEqual(
      expect.arrayContaining(['no_straggler', 'per_rank_step_sync', 'convergence', 'throughput', 'model_intact']),
    );

    const trajectory = await readTrajectory(join(folder!, 'trajectory.parquet'));
    const checksums = trajectory.filter(({ metric }) => metric === 'weights_checksum');
    expect(checksums.map(({ rank }) => rank)).toEqual([0, 1]);
    const losses = trajectory.filter(({ metric }) => metric === 'loss');
    expect(losses.map(({ rank, values }) => [rank, values.length])).toEqual([
      [0, 20],
      [1, 20],
    ]);
    await expectServedAsTrained(project, join(folder!, 'attachments/model'), manifestOf(folder!));
  });

  it('fails a rank that is slower than the other, and nothing else', async () => {
    // Too few steps for the watch to end the training before it is judged.
    const few = CONFIG.replace('steps: 20', 'steps: 9');
    const config = few.replace('[convergence, throughput, ', '[').replace(/^thresholds[^]*/m, '');
    const project = new Project({ 'configs/learn.yaml': config }, { ASSAY_JAXJS_SLOW_RANK: '1:400ms' });
    const { launched, tests, screen } = await project.run();
    const failed = tests.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName);
    expect(failed, screen).toEqual([expect.stringContaining('no_straggler[')]);
    const { status, verdicts } = manifestOf(launched[0]!);
    expect(status).toBe('failed_verification');
    expect(verdicts.find(({ benchmark }) => benchmark === 'no_straggler')).toMatchObject({
      passed: false,
      detail: expect.stringContaining('slowest of 2: worker localhost rank 1'),
    });
  });

  it('ends on a loss that is no number, names the step and cleans up', async () => {
    // Long enough that only the NaN can end it.
    const config = CONFIG.replace('steps: 20', 'steps: 1000000');
    const project = new Project({ 'configs/learn.yaml': config }, { ASSAY_JAXJS_NAN_AT_STEP: '5' });
    const { launched, exitCode } = await project.run();
    const manifest = manifestOf(launched[0]!);
    expect(exitCode).toBe(1);
    expect(manifest.status).toBe('failed_safety');
    expect(manifest.failure).toMatchObject({
      category: 'safety_violation',
      message: 'loss_finite: loss is NaN at step 5',
    });
    expect(manifest.phases.teardown?.status).toBe('ok');
    expect(manifest.teardown).toMatchObject({ error: null, orphans: 0 });
    expect(await labelledBy(manifest)).toEqual([]);
  });
});

/** Serves a trained model and has it score the text that was held out. */
async function expectServedAsTrained(project: Project, model: string, trained: Manifest): Promise<void> {
  const card = modelCardSchema.parse(JSON.parse(readFileSync(join(model, 'byte-llama.json'), 'utf8')));
  expect(card.heldOut.nll).toBe(trained.result.scalars['heldout_nll']);
  project.write(
    'configs/learn.yaml',
    `schema_version: "2"
test_id: serve
target_gpu: cpu
framework: llama_cpp
workload_kind: inference
topology: {roles: {server: {count: 1, selector: cpu}}}
model: {id: byte_llama, path: ${join(model, 'byte-llama.gguf')}, sha256: ${card.sha256}}
dataset: {id: held_out, path: ${join(model, 'heldout.txt')}, sha256: ${card.heldOut.sha256}, window_length: 128}
params: {isl: 8, osl: 4, num_prompts: 4, num_warmups: 0, max_model_length: 256, concurrency: 1}
benchmarks: [perplexity]
thresholds: [{kind: Convergence, metric: perplexity, target: ${card.heldOut.perplexity}, epsilon: ${card.heldOut.perplexity * 1e-3}}]
`,
  );
  const { launched, tests, screen } = await project.run();
  expect(
    tests.filter(({ status }) => status !== 'passed'),
    screen,
  ).toEqual([]);
  const trajectory = await readTrajectory(join(launched[0]!, 'trajectory.parquet'));
  const nlls = trajectory.find(({ metric }) => metric === 'nll')!.values;
  expect(nlls).toHaveLength(card.heldOut.windows);
  // The server keeps keys and values in F16.
  nlls.forEach((nll, window) => expect(Math.abs(nll - card.heldOut.windowNlls[window]!)).toBeLessThan(2e-3));
}

/** The processes that still carry the label of a run. */
async function labelledBy({ run_id: id }: Manifest): Promise<readonly string[]> {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`=${id}`);
    } catch {
      return false;
    }
  });
}
