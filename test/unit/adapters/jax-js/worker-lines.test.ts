import { describe, expect, it } from 'vitest';
import { parseStepLine } from '../../../../src/adapters/jax-js/step-lines.ts';
import { parseWorkerLine, renderLine, type WorkerLine } from '../../../../src/adapters/jax-js/worker-lines.ts';

const step: WorkerLine = {
  event: 'step',
  step: 3,
  rank: 1,
  ts_ms: 1_700_000_000_000,
  loss: 2.5,
  grad_norm: 1.25,
  learning_rate: 0.003,
  step_time_ms: 100,
  comm_ms: 10,
  compute_ms: 90,
  tokens: 256,
  tokens_per_second: 5120,
};

describe('the lines of the worker', () => {
  it.each<[string, WorkerLine]>([
    ['a step', step],
    ['a step whose loss is no number', { ...step, loss: NaN, grad_norm: Infinity }],
    ['weights', { event: 'weights', rank: 0, sha256: 'a'.repeat(64) }],
    ['a held-out loss', { event: 'held_out', nll: NaN, windows: 2, window_length: 128 }],
    ['a model', { event: 'model', file: 'm.gguf', sha256: 'b'.repeat(64), bytes: 7 }],
  ])('are read as they were meant: %s', (_, line) => {
    expect(parseWorkerLine(renderLine(line))).toEqual(line);
  });

  it.each([
    '',
    'Warning: {"event":"step"}',
    '{"event":"step","step":3',
    '{"event":"step","step":3}',
    '{"event":"other"}',
  ])('are nothing else: %s', (line) => expect(parseWorkerLine(line)).toBeNull());

  it('tell the metrics of a step by the names of the trajectory', () => {
    expect(parseStepLine(renderLine({ ...step, loss: NaN }))).toEqual({
      step: 3,
      rank: 1,
      tsMs: 1_700_000_000_000,
      values: {
        loss: NaN,
        grad_norm: 1.25,
        learning_rate: 0.003,
        step_time_ms: 100,
        comm_ms: 10,
        compute_ms: 90,
        tokens: 256,
        throughput: 5120,
      },
    });
    expect(parseStepLine(renderLine({ event: 'weights', rank: 0, sha256: 'a'.repeat(64) }))).toBeNull();
  });
});
