import { describe, expect, it } from 'vitest';
import type { StepReport } from '../../../../../src/adapters/shared/program.ts';
import type { StepLine } from '../../../../../src/adapters/shared/training/steps.ts';
import { watchTraining } from '../../../../../src/adapters/shared/training/watch.ts';

const n1 = { role: 'worker', host: 'n1' };
const n2 = { role: 'worker', host: 'n2' };

/** Lines such as `3 loss=1.5 throughput=412000 rank=7`. */
function parseLine(line: string): StepLine | null {
  const [number, ...fields] = line.split(' ');
  if (!/^\d+$/.test(number ?? '')) return null;
  const { rank = null, ...values } = Object.fromEntries(
    fields.map((field) => field.split('=')).map(([name = '', value]) => [name, Number(value)]),
  );
  return { step: Number(number), tsMs: null, rank, values };
}

function watched(lines: readonly (readonly [string, typeof n1])[], firstStep = 1) {
  const steps: StepReport[] = [];
  const watch = watchTraining({ total: 20, firstStep, parseLine, onStep: (step) => steps.push(step) });
  for (const [line, from] of lines) watch.line(line, from);
  return { status: watch.status(), steps };
}

describe('a training that is watched', () => {
  it('is alive with every line, and as far as its last step', () => {
    const { status, steps } = watched([
      ['compiling', n1],
      ['1 loss=9', n1],
      ['1 loss=9', n1],
      ['2 loss=8 throughput=412345', n1],
      ['saving', n1],
    ]);
    expect(status).toEqual({
      state: 'running',
      mark: 5,
      progress: { done: 2, total: 20, unit: 'step', rate: '412k tok/s' },
    });
    expect(steps).toEqual([
      { step: 1, loss: 9, throughput: null },
      { step: 2, loss: 8, throughput: 412_345 },
    ]);
  });

  it.each([
    ['throughput=950', '950 tok/s'],
    ['throughput=1324567', '1.32M tok/s'],
    ['step_time_ms=1234.5', '1235 ms/step'],
    ['grad_norm=1', ''],
  ])('tells %s as %j', (field, rate) => {
    expect(watched([[`1 loss=9 ${field}`, n1]]).status).toMatchObject({ progress: { rate } });
  });

  it('counts the steps of one of its ranks, from 0 where it does', () => {
    const { status, steps } = watched(
      [
        ['0 mem=1', n1],
        ['0 loss=9', n1],
        ['0 loss=9', n2],
        ['1 loss=8', n2],
        ['1 loss=8', n1],
      ],
      0,
    );
    expect(status).toMatchObject({ progress: { done: 2 } });
    expect(steps.map(({ step }) => step)).toEqual([0, 1]);
  });

  it('does not go back with a rank that is behind', () => {
    const lines = ['1 loss=9 rank=0', '2 loss=8 rank=0', '1 loss=9 rank=1'].map((line) => [line, n1] as const);
    expect(watched(lines).status).toMatchObject({ progress: { done: 2 } });
  });

  it('goes back when it is started again', () => {
    const { status, steps } = watched([
      ['8 loss=3', n1],
      ['5 loss=4', n1],
    ]);
    expect(status).toMatchObject({ progress: { done: 5 } });
    expect(steps.map(({ step }) => step)).toEqual([8, 5]);
  });

  it.each([
    ['loss', '5 loss=NaN', 'loss is NaN at step 5'],
    ['gradient', '6 loss=3 grad_norm=-Infinity', 'grad_norm is -Infinity at step 6'],
  ])('is broken by a %s that is no number, and stays so', (_, line, detail) => {
    const { status } = watched([
      ['4 loss=3', n1],
      [line, n2],
      ['7 loss=3', n1],
      ['8 loss=NaN', n1],
    ]);
    expect(status).toEqual({ state: 'broken', predicate: 'loss_finite', detail, evidence: ['4 loss=3', line] });
  });

  it.each(['step_time_ms', 'compute_ms'])('is broken by a rank whose %s is far above that of the others', (metric) => {
    const lines = Array.from({ length: 10 }, (_, index) =>
      [0, 1, 2].map((rank) => [`${index + 1} rank=${rank} ${metric}=${rank === 1 ? 600 : 100}`, n1] as const),
    ).flat();
    expect(watched(lines.slice(0, -1)).status).toMatchObject({ state: 'running' });
    expect(watched(lines).status).toMatchObject({
      state: 'broken',
      predicate: 'no_straggler',
      detail: 'rank 1 takes 600 ms a step, and a usual rank 100 ms',
    });
  });

  it('forgives a rank that was slow for a few steps', () => {
    const lines = Array.from({ length: 30 }, (_, index) =>
      [0, 1].map(
        (rank) => [`${index + 1} rank=${rank} step_time_ms=${rank === 1 && index < 4 ? 600 : 100}`, n1] as const,
      ),
    ).flat();
    expect(watched(lines).status).toMatchObject({ state: 'running' });
  });
});
