import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fixture, parsed, series, STARTED_AT } from './parsed.ts';

const SAMPLES = new URL('../../../../../shared/samples/megatron/', import.meta.url).pathname;

// The trainings of fixtures/megatron/README.md.
const params = { tp: 2, dp: 2, micro_batch_size: 2, global_batch_size: 8, sequence_length: 128, train_iters: 6 };
const oneNode = { ...params, dp: 1 };

const GIB_IN_GB = 2 ** 30 / 1e9;

/** The only match of a pattern per iteration, read off the text by itself. */
function perIteration(text: string, pattern: RegExp): readonly [number, number][] {
  // eslint-disable-next-line no-control-regex -- colours are taken out.
  const lines = text.replaceAll(/\u001B\[[\d;]*m/g, '').split('\n');
  const found = lines.flatMap((line): [number, number][] => {
    const iteration = /iteration +(\d+)\/ +\d+ \|/.exec(line)?.[1];
    const value = pattern.exec(line)?.[1];
    return iteration === undefined || value === undefined ? [] : [[Number(iteration), Number(value)]];
  });
  return [...new Map(found)];
}

const sum = (values: readonly [number, number][]) => values.reduce((total, [, value]) => total + value, 0);
const after = (step: number) => (values: readonly [number, number][]) => values.filter(([own]) => own > step);

describe('the logs of two nodes', () => {
  const logs = { n1: fixture('worker.n1.log'), n2: fixture('worker.n2.log') };
  const text = logs.n2;

  it('become the rows of their lines', async () => {
    const { rows } = await parsed({ logs, params });
    expect(series(rows, 'loss')).toEqual(perIteration(text, /lm loss: (\S+) \|/));
    expect(series(rows, 'grad_norm')).toEqual(perIteration(text, /grad norm: (\S+) \|/));
    expect(series(rows, 'skipped_iterations')).toEqual(perIteration(text, /skipped iterations: +(\d+) \|/));
    expect(series(rows, 'loss_scale')).toEqual(perIteration(text, /loss scale: (\S+) \|/));
    const times = perIteration(text, /iteration \(ms\): (\S+) \|/);
    expect(series(rows, 'step_time_ms')).toEqual(after(1)(times));
    expect(series(rows, 'warmup_step_time_ms')).toEqual(times.slice(0, 1));
    expect(series(rows, 'throughput')).toEqual(after(1)(times).map(([step, ms]) => [step, (8 * 128) / (ms / 1000)]));
    expect(new Set(rows.map(({ host, role }) => `${role}.${host}`))).toEqual(new Set(['worker.n1', 'worker.n2']));
  });

  it('tell what each rank computed, and the memory of those that say it', async () => {
    const { rows } = await parsed({ logs, params });
    const computed = [0, 1, 2, 3].map((rank) => series(rows, 'compute_ms', rank));
    expect(computed.map((points) => points.map(([step]) => step))).toEqual(Array(4).fill([2, 3, 4, 5, 6]));
    const [block = ''] = text.split('iteration        2/').slice(1);
    const [forward, backward] = [...block.matchAll(/rank  3: (\S+)/g)].map(([, ms]) => Number(ms));
    expect(computed[3]?.[0]).toEqual([2, (forward ?? NaN) + (backward ?? NaN)]);
    const used = [...logs.n1.matchAll(/^\[Rank (\d)\] \(after (\d) .* max reserved: (\S+)$/gm)];
    expect(
      rows.filter(({ metric }) => metric === 'mem_used_gb').map(({ rank, step, value }) => [rank, step, value]),
    ).toEqual(
      used
        .map(([, rank, step, mb]) => [Number(rank), Number(step), (Number(mb) / 1024) * GIB_IN_GB])
        .toSorted(([a = 0], [b = 0]) => a - b),
    );
  });

  it('have the stamps of their lines, in UTC', async () => {
    const { rows, result } = await parsed({ logs, params });
    const stamps = [...text.matchAll(/^ \[(\S+) (\S+)000\] iteration/gm)].map(([, day, time]) =>
      Date.parse(`${day}T${time}Z`),
    );
    const learned = rows.filter(({ metric }) => metric === 'learning_rate');
    expect(learned.map(({ tsMs }) => Math.round(tsMs))).toEqual(stamps);
    expect(result.startedAtMs).toBeCloseTo((stamps[1] ?? NaN) - (series(rows, 'step_time_ms')[0]?.[1] ?? NaN), 3);
  });

  it('give the figures of the training', async () => {
    const { result } = await parsed({ logs, params });
    const times = after(1)(perIteration(text, /iteration \(ms\): (\S+) \|/));
    const losses = perIteration(text, /lm loss: (\S+) \|/);
    const tokens = 5 * 8 * 128;
    const sorted = times.map(([, value]) => value).toSorted((a, b) => a - b);
    expect(result.scalars).toEqual({
      throughput_tps: expect.closeTo(tokens / (sum(times) / 1000), 6),
      tokens_per_gpu_tps: expect.closeTo(tokens / (sum(times) / 1000) / 4, 6),
      tflops_per_gpu: 0,
      step_time_mean_ms: expect.closeTo(sum(times) / 5, 6),
      step_time_p50_ms: sorted[2],
      // At 3.6 and 3.96 of the places 0 to 4.
      step_time_p90_ms: expect.closeTo((sorted[3] ?? NaN) * 0.4 + (sorted[4] ?? NaN) * 0.6, 6),
      step_time_p99_ms: expect.closeTo((sorted[3] ?? NaN) * 0.04 + (sorted[4] ?? NaN) * 0.96, 6),
      loss_first: losses[0]?.[1],
      loss_final: losses.at(-1)?.[1],
      steps: 6,
      last_step: 6,
      warmup_steps_dropped: 1,
      rewound_steps: 0,
      nan_steps: 0,
      mem_used_peak_gb: (20_482 / 1024) * GIB_IN_GB,
      skipped_iterations: 1,
      nan_iterations: 0,
    });
  });

  it('say what is in force', async () => {
    const { result } = await parsed({ logs, params, knobs: { attention: 'fa' } });
    expect(result.applied).toEqual({
      tp: { asked: 2, applied: 2 },
      pp: { asked: 1, applied: 1 },
      dp: { asked: 2, applied: 2 },
      fsdp: { asked: 1, applied: 1 },
      cp: { asked: 1, applied: 1 },
      ep: { asked: 1, applied: 1 },
      precision: { asked: 'TE_BF16', applied: 'TE_BF16' },
      micro_batch_size: { asked: 2, applied: 2 },
      global_batch_size: { asked: 8, applied: 8 },
      sequence_length: { asked: 128, applied: 128 },
      attention: { asked: 'fa', applied: 'fa' },
    });
  });

  it('say nothing of the logs of nodes that were silent', async () => {
    const { rows } = await parsed({ logs: { ...logs, n0: '' }, params });
    expect(series(rows, 'loss')).toHaveLength(5);
  });
});

describe('a log of Primus', () => {
  const text = fixture('primus.log');

  it('counts each iteration once, and averages as warm-up', async () => {
    const { rows, result } = await parsed({ logs: { n1: text }, params: oneNode });
    expect(text.match(/iteration +\d\//g)).toHaveLength(12);
    expect(series(rows, 'loss')).toEqual(perIteration(text, /lm loss: (\S+) \|/));
    expect(series(rows, 'step_time_ms')).toEqual(perIteration(text, /iteration \(ms\): ([\d.]+)\//));
    expect(series(rows, 'warmup_step_time_ms').map(([step]) => step)).toEqual([1, 2]);
    expect(series(rows, 'tokens_per_gpu')).toEqual(perIteration(text, /tokens\/s\/GPU\): ([\d.]+)\//));
    expect(result.scalars).toMatchObject({ steps: 6, warmup_steps_dropped: 2, mem_used_peak_gb: 51.53 * GIB_IN_GB });
    expect(new Set(rows.filter(({ metric }) => metric !== 'mem_used_gb').map(({ rank }) => rank))).toEqual(
      new Set([1]),
    );
  });
});

describe('a log without an iteration', () => {
  it.each([
    ['none at all', 'loading\nTraceback\nRuntimeError: no GPU\n'],
    ['only cut ones', ' [2026-01-01 00:00:00] iteration   1'],
  ])('is a failure that shows its end: %s', async (_, text) => {
    await expect(parsed({ logs: { n1: text } })).rejects.toMatchObject({
      category: 'parse_failure',
      message:
        'no line of logs/worker.n1.log reports an iteration (iteration 1/ 20 | ... |) - their last lines say how far Megatron-LM came',
      evidence: text.split('\n').filter((line) => line !== ''),
    });
  });
});

describe('a training whose loss is no number', () => {
  it('has a row that says so, and counts it', async () => {
    const lines = [1, 2, 3].map((step) => ` iteration ${step}/ 3 | lm loss: ${step === 2 ? 'nan' : '1.0'} |\n`);
    const { rows, result } = await parsed({ logs: { n1: lines.join('') } });
    expect(series(rows, 'loss')).toEqual([
      [1, 1],
      [2, NaN],
      [3, 1],
    ]);
    expect(result.scalars).toMatchObject({ nan_steps: 1, loss_final: 1 });
    expect(rows.map(({ tsMs }) => tsMs)).toEqual(Array(3).fill(Date.parse(STARTED_AT)));
  });
});

describe.skipIf(!existsSync(SAMPLES))('real logs of Primus (which are not part of this repository)', () => {
  it.each([
    // The mean over the iterations from the third on, as Primus counts it itself, is at the end of the log.
    [
      'primus_dsv2lite_fp8_ansi.log',
      {
        ep: 1,
        sequence_length: 4096,
        iterations: 20,
        batch: 896,
        meanMs: 32_706.3,
        peakGib: 251.53,
        attention: 'aiter',
      },
    ],
    [
      'primus_dsv4_ep8_pp1_ansi.log',
      { ep: 8, sequence_length: 128, iterations: 10, batch: 16, meanMs: 535.3, peakGib: 35.01, attention: null },
    ],
  ])('%s', async (name, { iterations, batch, meanMs, peakGib, attention, ...more }) => {
    const text = readFileSync(`${SAMPLES}${name}`, 'utf8');
    const { rows, result } = await parsed({
      logs: { n1: text },
      params: { dp: 8, ...more },
      knobs: { attention: 'aiter' },
    });
    const losses = perIteration(text, /lm loss: (\S+) \|/);
    expect(losses).toHaveLength(iterations);
    expect(series(rows, 'loss')).toEqual(losses);
    expect(series(rows, 'grad_norm')).toEqual(perIteration(text, /grad norm: (\S+) \|/));
    expect(series(rows, 'learning_rate')).toEqual(perIteration(text, /learning rate: (\S+) \|/));
    expect(series(rows, 'step_time_ms')).toEqual(perIteration(text, /iteration \(ms\): ([\d.]+)\//));
    expect(series(rows, 'tflops_per_gpu')).toEqual(perIteration(text, /TFLOP\/s\/GPU\): ([\d.]+)\//));
    expect(series(rows, 'tokens_per_gpu')).toEqual(perIteration(text, /tokens\/s\/GPU\): ([\d.]+)\//));
    // Samples that were consumed since the second iteration, over the time that the log says they took.
    const consumed = perIteration(text, /consumed samples: +(\d+) \|/);
    const tokens = ((consumed.at(-1)?.[1] ?? NaN) - 2 * batch) * more.sequence_length;
    const perSecond = tokens / (sum(perIteration(text, /iteration \(ms\): ([\d.]+)\//)) / 1000);
    expect(result.scalars['throughput_tps']).toBeCloseTo(perSecond, 4);
    expect(result.scalars['tokens_per_gpu_tps'] ?? NaN).toBeCloseTo(perSecond / 8, -1);
    expect(Math.abs((result.scalars['step_time_mean_ms'] ?? NaN) - meanMs)).toBeLessThan(0.06);
    expect(result.scalars).toMatchObject({
      loss_first: losses[0]?.[1],
      loss_final: losses.at(-1)?.[1],
      steps: iterations,
      warmup_steps_dropped: 2,
      mem_used_peak_gb: peakGib * GIB_IN_GB,
      nan_steps: 0,
      skipped_iterations: 0,
    });
    expect(result.applied['attention']).toEqual({ asked: 'aiter', applied: attention });
  });
});
