import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseStamp, parseStep, parseValidation } from '../../../../src/adapters/torchtitan/lines.ts';
import { readStartup } from '../../../../src/adapters/torchtitan/startup-lines.ts';

const JOB = { devices: 8, tokensPerStep: 16_000, firstRank: 8, isPipelined: false };
const BEFORE = '[rank0]:[titan] 2026-03-01 11:00:32,250 - root - INFO - ';
const REPORT =
  'step: 10  loss:  6.26338  grad_norm: 27.0000  memory: 16.00GiB(50.00%)  tps: 4,000  tflops: 1,835.94  mfu: 37.15%';
const GB = 16 * 1.073741824;
const VALUES = {
  loss: 6.26338,
  grad_norm: 27,
  mem_used_gb: GB,
  step_time_ms: 500,
  throughput: 32_000,
  tokens_per_gpu: 4000,
  tflops_per_gpu: 1835.94,
  mfu: 37.15,
};
const STEP = { step: 10, tsMs: Date.UTC(2026, 2, 1, 11, 0, 32, 250), rank: 8, values: VALUES };

describe('a line of a finished step', () => {
  it('is read with its rank among those of the job, and the time that its rate means', () => {
    expect(parseStep(BEFORE + REPORT, JOB)).toEqual(STEP);
  });

  it.each([
    [
      'of older releases',
      'step: 10  loss:  6.2634  memory: 16.00GiB(50.00%)  wps: 4,000  mfu: N/A',
      { grad_norm: undefined, tflops_per_gpu: undefined, mfu: undefined, loss: 6.2634 },
    ],
    ['with nan', REPORT.replace(' 6.26338', 'nan').replace('27.0000', 'nan'), { loss: NaN, grad_norm: NaN }],
    ['with inf', REPORT.replace(' 6.26338', 'inf'), { loss: Infinity }],
  ])('is read %s', (_, report, differing) => {
    const values = Object.fromEntries(
      Object.entries({ ...VALUES, ...differing }).filter(([, value]) => value !== undefined),
    );
    expect(parseStep(report, JOB)).toEqual({ step: 10, tsMs: null, rank: null, values });
  });

  it('knows no loss on a rank before the last stage of a pipeline', () => {
    const report = REPORT.replace(' 6.26338', '-1.00000');
    expect(parseStep(report, { ...JOB, isPipelined: true })?.values).not.toHaveProperty('loss');
    expect(parseStep(report, JOB)?.values).toHaveProperty('loss', -1);
  });

  it('does not say how long it took while the tokens of a step are not known', () => {
    expect(parseStep(REPORT, { ...JOB, tokensPerStep: null })?.values).not.toHaveProperty('step_time_ms');
  });

  it.each([
    ['a validation', 'validate step: 10  loss:  6.2500  memory: 16.00GiB(50.00%)  tps: 1,500'],
    ['the first step', 'Training starts at step 1'],
    ['a step of something else', 'substep: 10  loss:  6.2500  '],
  ])('is not %s', (_, line) => {
    expect(parseStep(line, JOB)).toBeNull();
  });

  it('says only what stands there whole, wherever it is cut off', () => {
    const line = BEFORE + REPORT;
    for (let length = 0; length <= line.length; length += 1) {
      const { values = {}, ...rest } = parseStep(line.slice(0, length), JOB) ?? {};
      expect(VALUES).toMatchObject(values);
      if ('step' in rest) expect({ ...rest, values: VALUES }).toEqual(STEP);
    }
    for (let start = 0; start < line.length; start += 1) {
      expect([10, undefined]).toContain(parseStep(line.slice(start), JOB)?.step);
    }
  });

  it('is read whole, whatever colours stand in it', () => {
    const ansi = fc.constantFrom('\u001B[31m', '\u001B[39m', '\u001B[38;2;54;234;195m', '\u001B[K');
    const line = BEFORE + REPORT;
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(line.length), ansi)), (colours) => {
        const from = colours.toSorted(([a], [b]) => b - a);
        const noisy = from.reduce((text, [at, colour]) => text.slice(0, at) + colour + text.slice(at), line);
        expect(parseStep(noisy, JOB)).toEqual(STEP);
      }),
    );
  });

  it('is one of two, with no value of the other, where one rank writes into the line of another', () => {
    const line = BEFORE + REPORT;
    const other = line
      .replace('[rank0]', '[rank1]')
      .replace('step: 10', 'step: 20')
      .replace('6.26338', '5.26338')
      .replace('27.0000', '28.0000')
      .replace('tps: 4,000', 'tps: 8,000');
    const whole = [parseStep(line, JOB), parseStep(other, JOB)];
    for (let at = 0; at <= line.length; at += 1) {
      const found = parseStep(line.slice(0, at) + other + line.slice(at), JOB);
      expect(whole).toContainEqual(found);
    }
  });

  it('is nothing that random bytes are', () => {
    const words = fc.string({ unit: fc.constantFrom(...REPORT.split(/(?<=[ :])/)), maxLength: 30 });
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), words), (line) => {
        const step = parseStep(line, JOB);
        if (step !== null) expect(line).toMatch(new RegExp(`step:\\s+${step.step}  `));
        for (const value of Object.values(step?.values ?? {})) expect(typeof value).toBe('number');
        expect(parseStamp(line)).toBeNull();
      }),
    );
  });
});

it.each([
  ['validate step: 10  loss:  6.2500  memory: 16.00GiB(50.00%)  tps: 1,500', { step: 10, loss: 6.25 }],
  ['validate step: 10  loss:  6.25', null],
  [REPORT, null],
])('the loss of a validation in %j is %j', (line, validation) => {
  expect(parseValidation(line)).toEqual(validation);
});

describe('what torchtitan says at its start', () => {
  const mesh = { pp: 1, dp_replicate: 1, dp_shard: 1, cp: 1, tp: 1, ep: 1 };

  it.each([
    [
      'Building device mesh with parallelism: pp=2, dp_replicate=1, dp_shard=4, cp=1, tp=2, ep=4',
      { ...mesh, pp: 2, dp_shard: 4, tp: 2, ep: 4 },
    ],
    ["Building 2-D device mesh with ['dp_shard', 'tp'], [4, 2]", { ...mesh, dp_shard: 4, tp: 2 }],
    ["Building 2-D device mesh with ['dp_shard_mod_ep', 'dp_shard_in_ep'], [4, 2]", null],
    ['Training starts at step 1', null],
  ])('of its mesh in %j is %j', (line, expected) => {
    expect(readStartup([line]).mesh).toEqual(expected);
  });

  it.each([
    ['Float8 training active with recipe rowwise', 'rowwise'],
    ['Float8 tensorwise scaled training active', 'tensorwise'],
    ['Float8 training active', 'tensorwise'],
    ['Training starts at step 1', null],
  ])('of float8 in %j is %j', (line, float8) => {
    expect(readStartup([line]).float8).toBe(float8);
  });
});
