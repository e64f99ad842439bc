import { describe, expect, it } from 'vitest';
import { fixture, parsed } from './logs.ts';

const STARTED = Date.UTC(2026, 2, 1, 10);
const at = (clock: string): number => Date.parse(`2026-03-01T${clock}Z`);
const PARAMS = { tp: 2, fsdp: 8, quantization: 'nanoo_fp8', xla_flags: { xla_gpu_autotune_level: 0 } };
const KNOBS = { attention: 'cudnn_flash_te' };

describe('a training that an elastic restart took back', async () => {
  const { result, points } = await parsed([fixture('elastic.log')], { params: PARAMS, knobs: KNOBS });
  const series = (metric: string) =>
    points.filter((row) => row.metric === metric).map(({ step, value }) => [step, value]);

  it('keeps the last time of every step', () => {
    expect(series('loss')).toEqual([
      [0, 10],
      [1, 9],
      [2, 8],
      [3, 7],
      [4, 6.5],
      [5, 5.5],
      [6, 4.5],
      [7, 4],
    ]);
  });

  it('keeps the times of the first two steps after every start apart', () => {
    expect(series('step_time_ms')).toEqual([
      [2, 1000],
      [6, 1000],
      [7, 3000],
    ]);
    expect(series('warmup_step_time_ms')).toEqual([
      [0, 10_000],
      [1, 100],
      [4, 8000],
      [5, 100],
    ]);
    expect(series('throughput')).toEqual([
      [2, 1600],
      [6, 1600],
      [7, 640],
    ]);
    expect(series('tflops_per_gpu')).toEqual([
      [2, 10],
      [6, 10],
      [7, 4],
    ]);
  });

  it('has the evaluations and checkpoints in rows of their own', () => {
    expect(series('eval_loss')).toEqual([[7, 4.25]]);
    expect(series('checkpoint_save_s')).toEqual([[3, 1.5]]);
    expect(series('checkpoint_load_s')).toEqual([[3, 2.25]]);
  });

  it('reads stamps without a zone as of the machine that began the run', () => {
    // The run began at 10:00 UTC, and the first line says 11:00.
    const losses = points.filter(({ metric }) => metric === 'loss');
    expect(losses.map(({ tsMs }) => tsMs - STARTED)).toEqual([
      20_000, 21_000, 22_000, 23_000, 70_000, 70_100, 71_100, 74_100,
    ]);
    expect(result).toMatchObject({ startedAtMs: at('10:00:21'), durationMs: 53_100 });
  });

  it('comes to these figures', () => {
    // Steps 2, 6 and 7 took 1, 1 and 3 s: 1600, 1600 and 640 tokens/s over 16 devices.
    expect(result.scalars).toEqual({
      throughput_tps: (1600 + 1600 + 3 * 640) / 5,
      tokens_per_gpu_tps: (100 + 100 + 3 * 40) / 5,
      tflops_per_gpu: (10 + 10 + 3 * 4) / 5,
      step_time_mean_ms: 5000 / 3,
      // Of 1000, 1000 and 3000.
      step_time_p50_ms: 1000,
      step_time_p90_ms: 1000 + 0.8 * 2000,
      step_time_p99_ms: 1000 + 0.98 * 2000,
      loss_first: 10,
      loss_final: 4,
      steps: 8,
      last_step: 7,
      warmup_steps_dropped: 4,
      rewound_steps: 2,
      nan_steps: 0,
      mem_used_peak_gb: null,
      restarts: 1,
      eval_loss_final: 4.25,
      checkpoint_save_mean_s: 1.5,
      checkpoint_load_mean_s: 2.25,
      devices: 16,
    });
  });

  it('says what is in force, and nothing of what the log does not say', () => {
    expect(result.applied).toEqual({
      attention: { asked: 'cudnn_flash_te', applied: 'cudnn_flash_te' },
      quantization: { asked: 'nanoo_fp8', applied: 'nanoo_fp8' },
      dtype: { asked: 'bfloat16', applied: 'bfloat16' },
      parallelism: {
        asked: 'data=1 pipeline=1 fsdp=8 expert=1 context=1 tensor=2',
        applied: 'data=1 pipeline=1 fsdp=8 expert=1 context=1 tensor=2',
      },
      xla_flags: { asked: '--xla_gpu_autotune_level=0', applied: null },
    });
    expect(result.frameworkVersions).toEqual({ jax: '0.8.2', jaxlib: '0.8.1' });
  });
});

it('reads stamps as UTC where it was launched to print it, however late the first comes', async () => {
  const told = { env: { TZ: 'UTC' }, start: '2026-03-01T10:30:00.000Z' };
  const { result, points } = await parsed([fixture('elastic.log')], told);
  expect(points.find(({ metric }) => metric === 'loss')?.tsMs).toBe(at('11:00:20'));
  expect(points.find(({ metric }) => metric === 'eval_loss')?.tsMs).toBeGreaterThan(at('11:00:20'));
  expect(result).toMatchObject({ startedAtMs: at('11:00:21') });
});

it('reads lines without stamps from the start of the run on', async () => {
  const { result, points } = await parsed([fixture('bare.log')], { params: { fsdp: 8 } });
  const losses = points.filter(({ metric }) => metric === 'loss');
  expect(losses.map(({ step, value, tsMs }) => [step, value, tsMs - STARTED])).toEqual([
    [0, 10, 20_000],
    [1, 9.5, 20_500],
    [2, 9, 22_500],
    [3, NaN, 26_500],
  ]);
  expect(points.some(({ metric }) => metric.endsWith('throughput'))).toBe(false);
  expect(result.scalars).toMatchObject({
    throughput_tps: null,
    step_time_mean_ms: 3000,
    tflops_per_gpu: (2 * 10 + 4 * 5) / 6,
    loss_final: NaN,
    nan_steps: 1,
    eval_loss_final: 9.25,
    devices: 8,
  });
  expect(result).toMatchObject({ startedAtMs: null, durationMs: 6000 });
  expect(Object.values(result.applied).map(({ applied }) => applied)).toEqual([null, null, null, null, null]);
});

it('keeps a series of every node, and counts the devices of all of them', async () => {
  const log = fixture('bare.log').replaceAll(', loss', ', Tokens/s/device: 100.000, loss');
  const { result, points } = await parsed([log, log.replaceAll('seconds: 4.000', 'seconds: 6.000')], {
    params: { fsdp: 16 },
  });
  const times = points
    .filter(({ metric }) => metric === 'step_time_ms')
    .map(({ host, step, value }) => [host, step, value]);
  expect(times).toEqual([
    ['n1', 2, 2000],
    ['n1', 3, 4000],
    ['n2', 2, 2000],
    ['n2', 3, 6000],
  ]);
  expect(result.scalars).toMatchObject({ throughput_tps: 1600, devices: 16, restarts: 0 });
});

it("compares flags with XLA's own word on the training step", async () => {
  const flags = {
    xla_gpu_enable_triton_gemm: 'False',
    xla_gpu_autotune_level: '0',
    xla_gpu_graph_level: 2,
    xla_gpu_x: true,
  };
  const options = 'debug_options {\n  xla_gpu_graph_level: 2\n  xla_gpu_x: false\n  xla_gpu_other: true\n}\n';
  const { result } = await parsed([fixture('bare.log')], {
    params: { xla_flags: flags },
    files: { 'attachments/xla/module_0007.jit_train_step.config.pbtxt': options },
  });
  const others = '--xla_gpu_autotune_level=0 --xla_gpu_enable_triton_gemm=false --xla_gpu_graph_level=2';
  expect(result.applied['xla_flags']).toEqual({
    asked: `${others} --xla_gpu_x=true`,
    applied: `${others} --xla_gpu_x=false`,
  });
});

it("takes what lies in a folder of the config's own for the word on no run", async () => {
  const { result } = await parsed([fixture('bare.log')], {
    params: { xla_flags: { xla_gpu_graph_level: 2, xla_dump_to: '/dumps' } },
    files: {
      'attachments/xla/module_0007.jit_train_step.config.pbtxt': 'debug_options {\n  xla_gpu_graph_level: 2\n}\n',
    },
  });
  expect(result.applied['xla_flags']).toEqual({
    asked: '--xla_dump_to=/dumps --xla_gpu_graph_level=2',
    applied: null,
  });
});

it('counts the devices that MaxText has, whatever was asked', async () => {
  const log = `Num_devices: 4, shape (1, 4)\n${fixture('bare.log').replaceAll(', loss', ', Tokens/s/device: 100.000, loss')}`;
  const { result } = await parsed([log], { params: { fsdp: 8 } });
  expect(result.scalars).toMatchObject({ throughput_tps: 400, devices: 4 });
});

it('takes of two lines without a break between them the last, with its own stamp', async () => {
  const stamps = fixture('elastic.log')
    .split('\n')
    .filter((line) => / completed step: [01],/.test(line));
  const { points } = await parsed([stamps.join('')]);
  const losses = points.filter(({ metric }) => metric === 'loss');
  expect(losses.map(({ step, value, tsMs }) => [step, value, tsMs - STARTED])).toEqual([[1, 9, 21_000]]);
});

it('refuses a log in which no step is finished, with its last lines', async () => {
  const log = 'Config param steps: 3\n\u001B[31mout of memory\u001B[0m\n\n';
  await expect(parsed([log])).rejects.toMatchObject({
    category: 'parse_failure',
    message: 'no line of worker.n1.log (4 lines) reports a finished step - the log says why',
    evidence: ['Config param steps: 3', 'out of memory'],
  });
});
