import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCheckpoint } from '../../../../src/adapters/jax/checkpoint-lines.ts';
import { parseEvaluation, parseStamp, parseStep } from '../../../../src/adapters/jax/lines.ts';
import { readStartup } from '../../../../src/adapters/jax/startup-lines.ts';

const STAMP = 'I0317 10:00:13.224641 1253 metric_logger.py:181] ';
const LINE =
  'completed step: 12, seconds: 0.500, TFLOP/s/device: 240.125, Tokens/s/device: 1000.000, total_weights: 4096, loss: 7.125';
const VALUES = { loss: 7.125, step_time_ms: 500, throughput: 8000, tokens_per_gpu: 1000, tflops_per_gpu: 240.125 };
const STEP = { step: 12, tsMs: null, rank: null, values: VALUES };

describe('a line of a finished step', () => {
  it.each([
    ['as it is', LINE, VALUES],
    ['behind a stamp', STAMP + LINE, VALUES],
    ['behind rubbish of another writer', `^Bd${STAMP}${LINE}`, VALUES],
    ['with more losses', `${LINE}, lm_loss: 6.900, perplexity: 992.275, moe_lb_loss: 0.010`, VALUES],
    ['with nan', LINE.replace('7.125', 'nan'), { ...VALUES, loss: NaN }],
    ['with inf', LINE.replace('7.125', 'inf'), { ...VALUES, loss: Infinity }],
    [
      'of older releases',
      'completed step: 12, seconds: 0.500, TFLOP/s/device: 240.125, loss: 7.125',
      { loss: 7.125, step_time_ms: 500, tflops_per_gpu: 240.125 },
    ],
    [
      'while batches grow',
      '[Rampup Batch Size Phase], completed step: 12, seconds: 0.500, total_weights: 4096, loss: 7.125',
      { loss: 7.125, step_time_ms: 500 },
    ],
    [
      'in which the profiler starts',
      'completed profiler activation/deactivation step: 12, total_weights: 4096, loss: 7.125',
      { loss: 7.125 },
    ],
  ])('is read %s', (_, line, values) => {
    expect(parseStep(line, 8)).toEqual({ ...STEP, values });
  });

  it.each([
    ['an evaluation', 'eval metrics after step: 4, loss=9.855, total_weights=75264.0'],
    ['a step of an evaluation', 'Completed eval step 9'],
    ['a warning', 'W0317 10:00:14.527971 1253 x2num.py:13] NaN or Inf found in input tensor.'],
    ['a unit of another spelling', LINE.replace('TFLOP/s', 'TFLOPS/s')],
    ['an option', 'Config param steps: 12'],
  ])('is not %s', (_, line) => {
    expect(parseStep(line, 8)).toBeNull();
  });

  it('says nothing when it is cut off anywhere', () => {
    for (let length = 0; length < LINE.length; length += 1) expect(parseStep(LINE.slice(0, length), 8)).toBeNull();
    for (let start = 1; start < LINE.length; start += 1) expect(parseStep(LINE.slice(start), 8)).toBeNull();
  });

  it('is read whole, whatever colours stand in it', () => {
    const ansi = fc.constantFrom('\u001B[31m', '\u001B[0m', '\u001B[38;2;54;234;195m', '\u001B[K');
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(LINE.length), ansi)), (colours) => {
        const from = colours.toSorted(([a], [b]) => b - a);
        const noisy = from.reduce((line, [at, colour]) => line.slice(0, at) + colour + line.slice(at), LINE);
        expect(parseStep(noisy, 8)).toEqual(STEP);
      }),
    );
  });

  it('is one of two or none, where one process writes into the line of another', () => {
    const other = LINE.replace('step: 12', 'step: 13').replaceAll('.125', '.375');
    const expected = [parseStep(LINE, 8), parseStep(other, 8), null];
    fc.assert(
      fc.property(fc.nat(LINE.length), fc.constantFrom('', STAMP), (at, stamp) => {
        expect(expected).toContainEqual(parseStep(LINE.slice(0, at) + stamp + other + LINE.slice(at), 8));
      }),
    );
  });

  it('is nothing that random bytes are', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom(...LINE.split(/(?<=[ ,:])/)) }),
    );
    fc.assert(
      fc.property(text, (line) => {
        const step = parseStep(line, 8);
        if (step !== null) expect(line).toContain(`step: ${step.step}, `);
        expect([parseEvaluation(line), parseCheckpoint(line)]).toEqual([null, null]);
        expect(parseStamp(line, 0)).toBeNull();
      }),
    );
  });
});

describe('the loss of an evaluation', () => {
  it.each([
    ['eval metrics after step: 4, loss=9.855, total_weights=75264.0', { step: 4, loss: 9.855 }],
    ['Completed eval after train step 9, loss=nan, perplexity=nan', { step: 9, loss: NaN }],
    ['eval metrics after step: 4, loss=9.85', null],
    [LINE, null],
    ['Completed eval step: 3, seconds: 0.100, running loss=9.855', null],
  ])('of %j is %j', (line, evaluation) => {
    expect(parseEvaluation(line)).toEqual(evaluation);
  });
});

describe('a checkpoint', () => {
  it.each([
    ['[process=0] [sync] Finished save in 1.61 seconds @ /c/checkpoints/50', { kind: 'save', step: 50, seconds: 1.61 }],
    [
      '[process=3] [async] Finished save (blocking + background) in 12.5 seconds @ gs://b/checkpoints/50/items',
      { kind: 'save', step: 50, seconds: 12.5 },
    ],
    [
      'Finished async_save (blocking + background). Time taken: 124.161461s. directory=gs://b/checkpoints/7',
      { kind: 'save', step: 7, seconds: 124.161461 },
    ],
    ['[process=0] [sync] Finished load in 3.50 seconds @ /c/checkpoints/7', { kind: 'load', step: 7, seconds: 3.5 }],
    ['Finished restoring checkpoint in 6.74 seconds from /c/checkpoints/7.', { kind: 'load', step: 7, seconds: 6.74 }],
    ['Finished restoring checkpoint in 6.74 seconds from /params.', { kind: 'load', step: null, seconds: 6.74 }],
    ['[process=0] [async] Finished blocking save in 3.87 seconds. Continuing save @ /c/5.', null],
  ])('is what %j says', (line, checkpoint) => {
    expect(parseCheckpoint(line)).toEqual(checkpoint);
  });
});

describe('the stamp of a line', () => {
  const near = Date.UTC(2026, 11, 31, 23, 50);

  it.each([
    ['I1231 23:59:59.250999 1 a.py:1] x', Date.UTC(2026, 11, 31, 23, 59, 59, 250)],
    ['^BdI0101 00:00:01.000000 1 a.py:1] x', Date.UTC(2027, 0, 1, 0, 0, 1)],
    [LINE, null],
  ])('%j is of the year that brings it nearest', (line, stamp) => {
    expect(parseStamp(line, near)).toBe(stamp);
  });
});

describe('what MaxText says at its start', () => {
  it('is the last it says, with the values of enums', () => {
    const lines = [
      'Config param attention: flash',
      'I0804 08:13:33.767627 1 pyconfig.py:465] Config param attention: cudnn_flash_te',
      'Config param quantization: QuantizationType.NONE',
      'Config param hf_path: ',
      'System Information: Jax Version: 0.4.35.dev20241202+8985f20e4',
      'abstract_checkpointer.py:35] orbax-checkpoint version: 0.6.4',
      'Num_devices: 128, shape (2, 1, 64)',
    ];
    const { config, versions, devices } = readStartup(lines);
    expect(Object.fromEntries(config)).toEqual({ attention: 'cudnn_flash_te', quantization: '', hf_path: '' });
    expect(versions).toEqual({ jax: '0.4.35.dev20241202+8985f20e4', orbax: '0.6.4' });
    expect(devices).toBe(128);
  });
});
