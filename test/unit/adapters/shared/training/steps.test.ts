import { describe, expect, it } from 'vitest';
import { collectSteps, settleSteps } from '../../../../../src/adapters/shared/training/steps.ts';
import type { StepLine, TrainingStep } from '../../../../../src/adapters/shared/training/steps.ts';
import { summarizeSteps } from '../../../../../src/adapters/shared/training/summarize.ts';
import { writeSteps } from '../../../../../src/adapters/shared/training/write-steps.ts';
import type { TrajectoryRow } from '../../../../../src/evidence/tables/trajectory.ts';

const from = { role: 'worker', host: 'n1' };

/** A step of n1, as a line without a stamp or a rank tells it. */
function step(number: number, values: StepLine['values'] = {}, more: Partial<TrainingStep> = {}): TrainingStep {
  return { ...from, step: number, tsMs: null, rank: null, values, ...more };
}

/** `step loss`, with a `w` for warm-up, of the only series. */
function settled(steps: readonly TrainingStep[], warmupSteps = 1): readonly string[] {
  const [series, ...others] = settleSteps(steps, { warmupSteps });
  expect(others).toEqual([]);
  return (series?.steps ?? []).map(
    ({ step: number, values, isWarmup }) => `${number} ${values['loss']}${isWarmup ? ' w' : ''}`,
  );
}

describe('the steps of a training', () => {
  const one = step(1, { loss: 9 });
  const two = step(2, { loss: 8 });
  const three = step(3, { loss: 7 });

  it.each<[string, TrainingStep[], string[]]>([
    ['once each', [one, two, three], ['1 9 w', '2 8', '3 7']],
    ['printed twice', [one, one, two, two, three], ['1 9 w', '2 8', '3 7']],
    ['printed again later', [one, two, three, two], ['1 9 w', '2 8', '3 7']],
    ['done again after a restart', [one, two, three, step(2, { loss: 8.5 })], ['1 9 w', '2 8.5 w']],
    ['done again from the start', [one, two, step(1, { loss: 10 }), two], ['1 10 w', '2 8']],
    ['known not to be ordinary', [one, { ...two, isWarmup: true }, three], ['1 9 w', '2 8 w', '3 7']],
  ])('count when they are %s', (_, steps, expected) => {
    expect(settled(steps)).toEqual(expected);
  });

  it('say how many of them a restart did again', () => {
    const again = [one, two, three, step(2, { loss: 8.5 }), step(3, { loss: 7.5 })];
    expect(settleSteps(again, { warmupSteps: 1 })[0]?.rewound).toBe(2);
  });

  it('are a series of their own for each log and rank', () => {
    const steps = [one, { ...one, host: 'n2' }, { ...one, rank: 0 }, { ...one, rank: 1 }, two];
    expect(
      settleSteps(steps, { warmupSteps: 0 }).map(({ host, rank, steps: own }) => [host, rank, own.length]),
    ).toEqual([
      ['n1', null, 2],
      ['n2', null, 1],
      ['n1', 0, 1],
      ['n1', 1, 1],
    ]);
  });

  it('gather what several lines say of one', () => {
    const steps = [one, step(1, { loss: 9, mem_used_gb: 3 }, { tsMs: 5 })];
    expect(settleSteps(steps, { warmupSteps: 0 })[0]?.steps).toEqual([
      { step: 1, tsMs: 5, rank: null, values: { loss: 9, mem_used_gb: 3 }, isWarmup: false, stride: 1 },
    ]);
  });

  it('stand for all steps since the line before', () => {
    const series = settleSteps([step(1), step(10), step(20)], { warmupSteps: 1 });
    expect(series[0]?.steps.map(({ stride }) => stride)).toEqual([9, 9, 10]);
  });

  it('are what a parser makes of the lines of logs', () => {
    const logs = [
      { ...from, index: 0, lines: ['a', '3'] },
      { role: 'worker', host: 'n2', index: 1, lines: ['4', ''] },
    ];
    const parse = (line: string): StepLine | null =>
      /^\d/.test(line) ? { step: Number(line), tsMs: null, rank: null, values: {} } : null;
    expect(collectSteps(logs, parse)).toEqual([step(3), { ...step(4), host: 'n2' }]);
  });
});

describe('the rows of a training', () => {
  function rowsOf(steps: readonly TrainingStep[]): readonly string[] {
    const rows: TrajectoryRow[] = [];
    const writer = { point: (row: TrajectoryRow) => rows.push(row), sample: () => undefined };
    writeSteps(writer, settleSteps(steps, { warmupSteps: 1 }), 1000);
    return rows.map(({ step: number, metric, value, tsMs, host, role, rank }) =>
      [number, metric, value, `@${tsMs}`, `${role}.${host}`, rank].join(' '),
    );
  }

  it('keep what the warm-up took apart', () => {
    expect(rowsOf([step(1, { loss: 9, step_time_ms: 50 }), step(2, { loss: NaN, step_time_ms: 10 })])).toEqual([
      '1 loss 9 @1050 worker.n1 ',
      '1 warmup_step_time_ms 50 @1050 worker.n1 ',
      '2 loss NaN @1060 worker.n1 ',
      '2 step_time_ms 10 @1060 worker.n1 ',
    ]);
  });

  it('have the stamps of their lines, and go on from there', () => {
    const steps = [step(1, { loss: 9 }, { tsMs: 7000, rank: 3 }), step(3, { step_time_ms: 10 }, { rank: 3 })];
    expect(rowsOf(steps)).toEqual(['1 loss 9 @7000 worker.n1 3', '3 step_time_ms 10 @7020 worker.n1 3']);
  });
});

describe('the figures of a training', () => {
  it('are those of the steps after the warm-up, each as heavy as it was long', () => {
    const steps = [
      step(1, { loss: 9, step_time_ms: 5000, throughput: 1, tokens_per_gpu: 1, tflops_per_gpu: 1 }, { tsMs: 10_000 }),
      step(
        2,
        { loss: 8, step_time_ms: 1000, throughput: 300, tokens_per_gpu: 30, tflops_per_gpu: 3 },
        { tsMs: 11_000 },
      ),
      step(
        3,
        { loss: 7, step_time_ms: 2000, throughput: 150, tokens_per_gpu: 15, tflops_per_gpu: 6 },
        { tsMs: 13_500 },
      ),
    ];
    // 300 + 300 tokens in 3 s; half a second went by between the steps.
    expect(summarizeSteps(settleSteps(steps, { warmupSteps: 1 }))).toEqual({
      scalars: {
        throughput_tps: 200,
        tokens_per_gpu_tps: 20,
        tflops_per_gpu: 5,
        step_time_mean_ms: 1500,
        // Of two values, linear between them.
        step_time_p50_ms: 1500,
        step_time_p90_ms: 1900,
        step_time_p99_ms: 1990,
        loss_first: 9,
        loss_final: 7,
        steps: 3,
        last_step: 3,
        warmup_steps_dropped: 1,
        rewound_steps: 0,
        nan_steps: 0,
        mem_used_peak_gb: null,
      },
      startedAtMs: 10_000,
      durationMs: 3500,
    });
  });

  it('are those of the rank that tells the loss, and the memory of all', () => {
    const steps = [step(1, { mem_used_gb: 5 }, { rank: 0 }), step(1, { loss: NaN, mem_used_gb: 4 }, { rank: 7 })];
    const { scalars, startedAtMs, durationMs } = summarizeSteps(settleSteps(steps, { warmupSteps: 0 }));
    expect(scalars).toMatchObject({ steps: 1, nan_steps: 1, mem_used_peak_gb: 5, throughput_tps: null });
    expect([startedAtMs, durationMs]).toEqual([null, null]);
  });

  it('are none when every step was warm-up', () => {
    const only = [step(1, { loss: 9, step_time_ms: 5000, throughput: 1 })];
    const { scalars } = summarizeSteps(settleSteps(only, { warmupSteps: 2 }));
    expect(scalars).toMatchObject({ throughput_tps: null, step_time_mean_ms: null, loss_final: 9 });
  });

  it('weigh lines that stand for several steps', () => {
    const steps = [
      step(10, { loss: 9, step_time_ms: 1 }),
      step(20, { step_time_ms: 10 }),
      step(25, { step_time_ms: 40 }),
    ];
    const { scalars, durationMs } = summarizeSteps(settleSteps(steps, { warmupSteps: 1 }));
    expect([scalars['step_time_mean_ms'], durationMs]).toEqual([20, 300]);
  });
});
