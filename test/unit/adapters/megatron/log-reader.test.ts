import { describe, expect, it } from 'vitest';
import { readLog } from '../../../../src/adapters/megatron/log-reader.ts';

const read = (...lines: readonly string[]) =>
  readLog(lines, { worldSize: 8, sequenceLength: 1 }).map(({ step, rank, values }) => ({ step, rank, ...values }));

const iteration = ' [2026-05-11 02:59:55] iteration 2/ 20 | loss scale: 1.0 |';

describe('what Megatron-LM prints below an iteration', () => {
  const timers = (...rows: readonly string[]) => ['times across ranks (ms):', ...rows];

  it('is what its ranks computed, forward and backward', () => {
    const lines = timers(
      '  forward-compute:',
      '     rank  0: 1.50',
      '     rank  1: 2.50',
      '  optimizer:',
      '     rank  0: 9.00',
    );
    const backward = ['  backward-compute:', '     rank  0: 3.00', '     rank  1: 4.00', '     rank 10: 4.00'];
    expect(read(iteration, ...lines, ...backward)).toEqual([
      { step: 2, rank: null, loss_scale: 1 },
      { step: 2, rank: 0, compute_ms: 4.5 },
      { step: 2, rank: 1, compute_ms: 6.5 },
    ]);
  });

  it.each<[string, string[]]>([
    ['no heading', ['  forward-compute:', '     rank  0: 1.50', '  backward-compute:', '     rank  0: 3.00']],
    [
      'another line in between',
      timers('  forward-compute:', '     rank  0: 1.50', 'WARNING', '  backward-compute:', '     rank  0: 3.00'),
    ],
    [
      'a number that is cut off',
      timers('  forward-compute:', '     rank  0: 1.5', '  backward-compute:', '     rank  0: 3.00'),
    ],
  ])('is nothing of theirs with %s', (_, lines) => {
    expect(read(iteration, ...lines)).toEqual([{ step: 2, rank: null, loss_scale: 1 }]);
    expect(
      read(...timers('  forward-compute:', '     rank  0: 1.50', '  backward-compute:', '     rank  0: 3.00')),
    ).toEqual([]);
  });

  it('is of that iteration alone', () => {
    const forward = timers('  forward-compute:', '     rank  0: 1.50');
    const backward = timers('  backward-compute:', '     rank  0: 3.00');
    expect(read(iteration, ...forward, iteration, ...backward).filter(({ rank }) => rank === 0)).toEqual([]);
  });

  it.each([
    [
      '[Rank 3] (after 2 iterations) memory (MB) | allocated: 1.50 | max allocated: 2.25 | reserved: 512.00 | max reserved: 1024.00',
      1,
    ],
    [
      '[rank3]: [Rank 3] (after 2 iterations) memory (MB) | allocated: 1464.33154296875 | reserved: 512.0 | max reserved: 512.0',
      0.5,
    ],
    [
      '[20260511 03:00:27][rank-7/8] : [2026-05-11 03:00:27.5] iteration 2/ 20 | rank-3 rocm max mem usage/usage_ratio: 251.53GB/87.34%',
      251.53,
    ],
  ])('is the memory of a rank: %s', (line, gib) => {
    expect(read(line)).toContainEqual({ step: 2, rank: 3, mem_used_gb: gib * (2 ** 30 / 1e9) });
  });

  it.each([
    '[Rank 3] (after 2 iterations) memory (MB) | allocated: 1.50 | max reserved: 10',
    '[Rank 3] (after 2 iterations) memory (MB) | allocated: 1.50 |',
    '[Rank 3] memory (MB) | allocated: 1.50 | max reserved: 1024.00',
  ])('is no memory in %j', (line) => {
    expect(read(line)).toEqual([]);
  });

  it('has the stamp of the iteration', () => {
    const line = '[Rank 3] (after 2 iterations) memory (MB) | allocated: 1.50 | max reserved: 1024.00';
    const steps = readLog([line, iteration, line], { worldSize: 8, sequenceLength: 1 });
    expect(steps.map(({ tsMs }) => tsMs)).toEqual([
      null,
      Date.UTC(2026, 4, 11, 2, 59, 55),
      Date.UTC(2026, 4, 11, 2, 59, 55),
    ]);
  });
});

describe('the error that Megatron-LM ends with', () => {
  const error = (result: string, message: string) =>
    `[rank6]: RuntimeError: Rank 6, node n1, device 2, iteration 4: Unexpected result ${result} (message='${message}')`;

  it.each([
    ['nan', 'found NaN in local forward loss calculation', { loss: NaN }],
    ['inf', 'found Inf in local forward loss calculation', { loss: Infinity }],
    ['nan', 'found NaN in local grad norm for bucket #0 in backward pass', { grad_norm: NaN }],
  ])('when it finds %s says so: %s', (result, message, values) => {
    expect(read(error(result, message))).toEqual([{ step: 4, rank: 6, ...values }]);
  });

  it('is no other', () => {
    expect(read(error('1.5', 'x'), 'Unexpected result nan', 'RuntimeError: found NaN')).toEqual([]);
  });
});
