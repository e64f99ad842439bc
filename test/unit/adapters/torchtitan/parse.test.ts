import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fixture, noSamples, parsed, SAMPLES } from './logs.ts';

const PARAMS = {
  config_file: 'llama3_8b.toml',
  data_parallel_shard_degree: 4,
  tensor_parallel_degree: 2,
  local_batch_size: 2,
  global_batch_size: 16,
  seq_len: 1000,
  compile: true,
  float8: 'rowwise',
  activation_checkpoint: 'full',
};
const GIB_IN_GB = 2 ** 30 / 1e9;

describe('a training that logs every ten steps', async () => {
  const { result, points } = await parsed([fixture('colored.log')], PARAMS);
  const series = (metric: string) =>
    points.filter((row) => row.metric === metric).map(({ step, value }) => [step, value]);

  it('has a row for each value of each line, those of speed apart for the first', () => {
    expect(series('loss')).toEqual([
      [1, 12.5],
      [10, 8],
      [20, 6],
    ]);
    expect(series('grad_norm')).toEqual([
      [1, 24.75],
      [10, 4],
      [20, 2],
    ]);
    expect(series('mem_used_gb')).toEqual([
      [1, 10 * GIB_IN_GB],
      [10, 20 * GIB_IN_GB],
      [20, 20 * GIB_IN_GB],
    ]);
    expect(series('throughput')).toEqual([
      [10, 8000],
      [20, 16_000],
    ]);
    // 16 sequences of 1000 tokens a step.
    expect(series('step_time_ms')).toEqual([
      [10, 2000],
      [20, 1000],
    ]);
    expect(series('warmup_step_time_ms')).toEqual([[1, 10_000]]);
    expect(series('mfu')).toEqual([
      [10, 10],
      [20, 20],
    ]);
    expect(series('eval_loss')).toEqual([[10, 8.25]]);
  });

  it('reads stamps without a zone as of the machine that began the run', () => {
    const losses = points.filter(({ metric }) => metric === 'loss');
    expect(losses.map(({ tsMs }) => new Date(tsMs).toISOString())).toEqual([
      '2026-03-01T10:00:14.000Z',
      '2026-03-01T10:00:32.000Z',
      '2026-03-01T10:00:44.000Z',
    ]);
    expect(losses[0]).toMatchObject({ role: 'worker', host: 'n1', rank: 0 });
  });

  it('reads them as UTC where it was launched to print it, however late the first comes', async () => {
    const late = await parsed([fixture('colored.log')], PARAMS, {
      start: '2026-03-01T10:30:00.000Z',
      env: { TZ: 'UTC' },
    });
    const stamps = late.points.flatMap(({ metric, tsMs }) =>
      /loss/.test(metric) ? [new Date(tsMs).toISOString()] : [],
    );
    expect(stamps.toSorted()).toEqual(['14', '32', '33', '44'].map((second) => `2026-03-01T11:00:${second}.000Z`));
    expect(late.result).toMatchObject({ startedAtMs: Date.UTC(2026, 2, 1, 11, 0, 14), durationMs: 30_000 });
  });

  it('comes to these figures', () => {
    // Lines of 9 steps of 2 s and of 10 steps of 1 s: 19 steps, 28 s.
    expect(result).toMatchObject({
      startedAtMs: Date.UTC(2026, 2, 1, 10, 0, 14),
      durationMs: 30_000,
      frameworkVersions: { torchtitan: '0.2.1', nccl: '2.27.5+hip7.0' },
    });
    expect(result.scalars).toEqual({
      throughput_tps: expect.closeTo((8000 * 18 + 16_000 * 10) / 28, 6),
      tokens_per_gpu_tps: expect.closeTo((1000 * 18 + 2000 * 10) / 28, 6),
      tflops_per_gpu: expect.closeTo((100 * 18 + 200 * 10) / 28, 6),
      step_time_mean_ms: expect.closeTo(28_000 / 19, 6),
      step_time_p50_ms: 1500,
      step_time_p90_ms: 1900,
      step_time_p99_ms: 1990,
      loss_first: 12.5,
      loss_final: 6,
      steps: 3,
      last_step: 20,
      warmup_steps_dropped: 1,
      rewound_steps: 0,
      nan_steps: 0,
      mem_used_peak_gb: 20 * GIB_IN_GB,
      eval_loss_final: 8.25,
      checkpoint_save_mean_s: 0.75,
      checkpoint_load_mean_s: null,
      devices: 8,
    });
  });

  it('says what is in force', () => {
    const mesh = 'pp=1 dp_replicate=1 dp_shard=4 cp=1 tp=2 ep=1';
    expect(result.applied).toEqual({
      parallelism: { asked: mesh, applied: mesh },
      local_batch_size: { asked: 2, applied: 2 },
      seq_len: { asked: 1000, applied: 1000 },
      steps: { asked: 20, applied: 20 },
      compile: { asked: true, applied: true },
      float8: { asked: 'rowwise', applied: 'rowwise' },
      activation_checkpoint: { asked: 'full', applied: 'selective' },
    });
  });
});

it('reads older lines, whose batch is known from the params alone', async () => {
  const params = {
    config_file: 'x.toml',
    data_parallel_shard_degree: 8,
    local_batch_size: 1,
    seq_len: 1000,
    compile: true,
  };
  const { result, points } = await parsed([fixture('older.log')], params, { start: '2024-08-01T10:00:00.000Z' });
  expect([...new Set(points.map(({ metric }) => metric))].toSorted()).toEqual(
    ['loss', 'mem_used_gb', 'step_time_ms', 'throughput', 'tokens_per_gpu']
      .flatMap((metric) => (/^(loss|mem)/.test(metric) ? [metric] : [metric, `warmup_${metric}`]))
      .toSorted(),
  );
  expect(result.scalars).toMatchObject({
    // 8000 tokens a step: 1 s of 8000 tokens/s and 1/3 s of 24,000.
    throughput_tps: expect.closeTo(16_000 / (4 / 3), 6),
    loss_final: NaN,
    nan_steps: 1,
    tflops_per_gpu: null,
  });
  expect(result.applied).toMatchObject({
    parallelism: { applied: 'pp=1 dp_replicate=1 dp_shard=8 cp=1 tp=1 ep=1' },
    compile: { asked: true, applied: null },
    local_batch_size: { asked: 1, applied: null },
  });
});

it('takes the loss of a pipeline from its last stage, which is another node', async () => {
  const last = fixture('pipeline.log').replace('-1.0000', '12.5000');
  const { result, points } = await parsed([fixture('pipeline.log'), last], {
    config_file: 'x.toml',
    pipeline_parallel_degree: 2,
    data_parallel_shard_degree: 8,
  });
  const losses = points.filter(({ metric }) => metric === 'loss');
  expect(losses.map(({ host, rank, value }) => [host, rank, value])).toEqual([['n2', 8, 12.5]]);
  expect(result.scalars).toMatchObject({ loss_first: 12.5, loss_final: 12.5, devices: 16 });
});

it('refuses a log in which no step is finished', async () => {
  await expect(parsed(['Training starts at step 1\n'], { config_file: 'x.toml' })).rejects.toMatchObject({
    category: 'parse_failure',
    evidence: ['Training starts at step 1'],
  });
});

describe.skipIf(noSamples !== null)(
  `a published log of torchtitan${noSamples === null ? '' : ` (${noSamples})`}`,
  () => {
    it('has every row and figure that its lines say', async () => {
      const text = readFileSync(join(SAMPLES, 'titan_qwen3_14b_run100_ansi.log'), 'utf8');
      const { result, points } = await parsed(
        [text],
        {
          module: 'qwen3',
          config: 'qwen3_14b',
          steps: 10,
          data_parallel_shard_degree: 8,
          local_batch_size: 160,
          seq_len: 128,
          compile: true,
        },
        { start: '2026-05-19T19:31:00.000Z' },
      );
      const tokens = 1280 * 128;
      const rows = points.map(({ step, metric, value, rank }) => [step, metric, value, rank]);
      expect(rows).toEqual([
        [1, 'loss', 12.47929, 0],
        [1, 'grad_norm', 24.75, 0],
        [1, 'mem_used_gb', 160.6 * GIB_IN_GB, 0],
        [1, 'warmup_step_time_ms', (tokens / (1360 * 8)) * 1000, 0],
        [1, 'warmup_throughput', 1360 * 8, 0],
        [1, 'warmup_tokens_per_gpu', 1360, 0],
        [1, 'warmup_tflops_per_gpu', 114.62, 0],
        [1, 'warmup_mfu', 5.09, 0],
        [10, 'loss', 4.98934, 0],
        [10, 'grad_norm', 19.25, 0],
        [10, 'mem_used_gb', 168.57 * GIB_IN_GB, 0],
        [10, 'step_time_ms', (tokens / (9982 * 8)) * 1000, 0],
        [10, 'throughput', 9982 * 8, 0],
        [10, 'tokens_per_gpu', 9982, 0],
        [10, 'tflops_per_gpu', 841.08, 0],
        [10, 'mfu', 37.38, 0],
      ]);
      // Nine steps lie between the stamps of the two lines.
      const stampedMs = (Date.UTC(2026, 4, 19, 19, 31, 48, 420) - Date.UTC(2026, 4, 19, 19, 31, 29, 955)) / 9;
      expect(Math.abs((result.scalars['step_time_mean_ms'] ?? NaN) - stampedMs)).toBeLessThan(1);
      expect(result.scalars).toMatchObject({
        throughput_tps: expect.closeTo(9982 * 8, 6),
        loss_first: 12.47929,
        loss_final: 4.98934,
        warmup_steps_dropped: 1,
        mem_used_peak_gb: 168.57 * GIB_IN_GB,
      });
      const mesh = 'pp=1 dp_replicate=1 dp_shard=8 cp=1 tp=1 ep=1';
      expect(result.applied).toMatchObject({
        parallelism: { asked: mesh, applied: mesh },
        compile: { asked: true, applied: true },
        local_batch_size: { asked: 160, applied: 160 },
        seq_len: { asked: 128, applied: 128 },
      });
    });
  },
);
