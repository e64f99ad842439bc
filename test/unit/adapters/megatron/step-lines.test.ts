import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readLog } from '../../../../src/adapters/megatron/log-reader.ts';
import { stepParser } from '../../../../src/adapters/megatron/step-lines.ts';
import { settleSteps } from '../../../../src/adapters/shared/training/steps.ts';

const parse = stepParser({ worldSize: 8, sequenceLength: 1000 });
const valuesOf = (line: string) => parse(line)?.values ?? null;

const ESC = '\u001B';
const HEAD = ' [2026-05-11 02:59:55.145289] iteration        2/      20 |';
const TAIL = ' number of skipped iterations:   0 | number of nan iterations:   0 |';

describe('an iteration line', () => {
  it.each<[string, string, Record<string, number>]>([
    [
      'of Megatron-LM',
      `${HEAD} consumed samples:          512 | elapsed time per iteration (ms): 2000.0 | throughput per GPU (TFLOP/s/GPU): 139.0 | learning rate: 1.000000E-05 | global batch size:   256 | lm loss: 1.186184E+01 | loss scale: 1.0 | grad norm: 5.032 | num zeros: 12 | params norm: 8.125 |${TAIL}`,
      {
        step_time_ms: 2000,
        tflops_per_gpu: 139,
        learning_rate: 1e-5,
        loss: 11.86184,
        loss_scale: 1,
        grad_norm: 5.032,
        skipped_iterations: 0,
        nan_iterations: 0,
        throughput: 128_000,
        tokens_per_gpu: 16_000,
      },
    ],
    [
      'of Primus',
      `${HEAD} elapsed time per iteration (ms): 2000.0/3000.0 | throughput per GPU (TFLOP/s/GPU): 238.4/139.5  | tokens per GPU (tokens/s/GPU): 15999.9/14243.1 | global batch size: 256 | lm loss: 1.1E+01 | seq_load_balancing_loss: 1.000696E+00 | hip mem usage/free/total/usage_ratio: 48.58GB/39.40GB/287.98GB/86.32%  | rank-4 rocm max mem usage/usage_ratio: 251.53GB/87.34%`,
      {
        step_time_ms: 2000,
        tflops_per_gpu: 238.4,
        loss: 11,
        mem_used_gb: 48.58 * (2 ** 30 / 1e9),
        throughput: 128_000,
        tokens_per_gpu: 15_999.9,
      },
    ],
    [
      'of BigScience, in seconds',
      ` iteration       10/  292968 | consumed samples:        10240 | elapsed time per iteration (s): 35.5 | learning rate: 4.734E-06 | global batch size:  1024 | lm loss: 1.332803E+01 | loss scale: 4096.0 | grad norm: 42.627 |${TAIL} samples per second: 28.845 | TFLOPs: 199.03 |`,
      {
        step_time_ms: 35_500,
        learning_rate: 4.734e-6,
        loss: 13.32803,
        loss_scale: 4096,
        grad_norm: 42.627,
        skipped_iterations: 0,
        nan_iterations: 0,
        tflops_per_gpu: 199.03,
        throughput: (1024 * 1000) / 35.5,
        tokens_per_gpu: (128 / 35.5) * 1000,
      },
    ],
    [
      'of Megatron-DeepSpeed',
      ` iteration  11/50000 | consumed samples: 5632 | consumed tokens:  11534336 | elapsed time per iteration (ms):  52728.1 | learning rate:    1.499E-05 | lm loss:  1.376514E+01 | actual seqlen:  2048 | samples per second: 9.75 | TFLOPs: 167.52 |`,
      {
        step_time_ms: 52_728.1,
        learning_rate: 1.499e-5,
        loss: 13.76514,
        tflops_per_gpu: 167.52,
        throughput: 19_968,
        tokens_per_gpu: 2496,
      },
    ],
    [
      'of GPT-NeoX',
      `[default3]: samples/sec: 8.5 | iteration      100/  320000 | elapsed time per iteration (ms): 191.1 | learning rate: 1.2E-05 | approx flops per GPU: 40.1TFLOPS | lm_loss: 1.05E+01 | loss scale: 4096.0 |${TAIL}`,
      {
        step_time_ms: 191.1,
        learning_rate: 1.2e-5,
        tflops_per_gpu: 40.1,
        loss: 10.5,
        loss_scale: 4096,
        skipped_iterations: 0,
        nan_iterations: 0,
        throughput: 8500,
        tokens_per_gpu: 1062.5,
      },
    ],
    ['with tokens alone', `${HEAD} tokens per GPU (tokens/s/GPU): 10.5 |`, { tokens_per_gpu: 10.5, throughput: 84 }],
  ])('%s', (_, line, values) => {
    expect(valuesOf(line)).toEqual(values);
  });

  it.each([
    ['', null],
    ['[default3]:', 3],
    ['vm-07-14:', null],
    ['[lrdn3321:3]:', null],
    ['[rank5]:', 5],
    [
      `[${ESC}[32m20260511 03:00:27${ESC}[0m][${ESC}[36mrank-7/8${ESC}[0m]${ESC}[1m[DEBUG]    ${ESC}[0m[--utils.py:425] :`,
      7,
    ],
  ])('may begin with %j', (prefix, rank) => {
    const line = `${prefix}${HEAD} lm loss: 1.5E+00 |`;
    expect(parse(line)).toEqual({
      step: 2,
      tsMs: Date.UTC(2026, 4, 11, 2, 59, 55, 145) + 0.289,
      rank,
      values: { loss: 1.5 },
    });
  });

  it.each([
    ['without a stamp', 'iteration 2/ 20 |', null],
    ['with whole seconds', '[2026-05-11 02:59:55] iteration 2/ 20 |', Date.UTC(2026, 4, 11, 2, 59, 55)],
    ["with its logger's stamp", '[20260511 02:59:55][rank-7/8] iteration 2/ 20 |', Date.UTC(2026, 4, 11, 2, 59, 55)],
    ['with one that is none', '[2026-99-99 02:59:55] iteration 2/ 20 |', null],
  ])('%s', (_, line, tsMs) => {
    expect(parse(line)).toMatchObject({ step: 2, tsMs });
  });

  it.each<[string, string, Record<string, number>]>([
    ['as text', `lm loss: NaN | loss scale: 1.0 |${TAIL}`, { loss: NaN }],
    ['as capitals', `lm loss: NAN | grad norm: nan |${TAIL}`, { loss: NaN, grad_norm: NaN }],
    ['as infinity', `lm loss: INF | grad norm: -inf |${TAIL}`, { loss: Infinity, grad_norm: -Infinity }],
    ['by leaving it out', `loss scale: 1.0 | grad norm: nan |${TAIL}`, { loss: NaN, grad_norm: NaN }],
  ])('tells a loss that is no number %s', (_, fields, values) => {
    expect(valuesOf(`${HEAD} ${fields}`)).toMatchObject(values);
  });

  it.each([
    ['without a loss', ''],
    ['with a mean over none', ' lm loss: 0.000000E+00 |'],
  ])('tells no loss of iterations that were skipped, %s', (_, loss) => {
    const skipped = ' number of skipped iterations:  10 | number of nan iterations:   1 |';
    expect(valuesOf(`${HEAD}${loss} loss scale: 8388608.0 |${skipped}`)).toEqual({
      loss_scale: 8_388_608,
      skipped_iterations: 10,
      nan_iterations: 1,
    });
  });

  it.each([
    'validation loss at iteration 10 | lm loss value: 2.0E+00 | lm loss PPL: 7.0E+00 |',
    '[Rank 0] (after 2 iterations) memory (MB) | allocated: 1.00 | max reserved: 4.00',
    'time (ms) | forward-compute: 53.79 |',
    'iteration 2/20',
    'iteration 2/ 20 lm loss: 5 |',
    `${HEAD} lm loss: 1.0E+00 | iteration 3/ 20 | lm loss: 2.0E+00 |`,
    `${HEAD} lm loss: 1.0E+00 | lm loss: 2.0E+00 |`,
    `my${HEAD.replace('iteration', 'theiteration')} lm loss: 1.0E+00 |`,
  ])('is not %j', (line) => {
    expect(parse(line)).toBeNull();
  });

  it.each(['1.18WARNING', '1,5', '0x10', '', '1.', 'none', '--1'])('has no loss of %j', (text) => {
    expect(valuesOf(`${HEAD} lm loss: ${text} | grad norm: 1.0 |`)).toEqual({ grad_norm: 1 });
  });
});

const exponent = (value: number) =>
  value
    .toExponential(6)
    .replace('e', 'E')
    .replace(/([+-])(\d)$/, '$10$2');
const figure = fc.double({ min: 1e-6, max: 1e6, noNaN: true });
const rank = fc.nat({ max: 63 });

/** Lines as they are printed. */
const iterationLine = fc
  .record({
    rank,
    iteration: fc.integer({ min: 1, max: 1e6 }),
    ms: figure,
    loss: figure,
    norm: figure,
    isPrimus: fc.boolean(),
  })
  .map(({ rank: by, iteration, ms, loss, norm, isPrimus }) => {
    const head = `[20260511 03:00:27][rank-${by}/64] : [2026-05-11 03:00:27.354166] iteration ${iteration}/ 1000000 |`;
    const times = ` elapsed time per iteration (ms): ${ms.toFixed(1)}${isPrimus ? `/${ms.toFixed(1)}` : ''} |`;
    const middle = ` global batch size:   256 | lm loss: ${exponent(loss)} | loss scale: 1.0 | grad norm: ${norm.toFixed(3)} |${TAIL}`;
    return head + times + middle + (isPrimus ? ' rank-1 rocm max mem usage/usage_ratio: 248.37GB/86.25%' : '');
  });

describe('whatever becomes of iteration lines', () => {
  it('colours change nothing', () => {
    const colour = fc.constantFrom(`${ESC}[0m`, `${ESC}[1;31m`, `${ESC}[38;2;1;2;3m`, `${ESC}[K`);
    const noise = fc.array(fc.record({ at: fc.nat({ max: 500 }), colour }), { maxLength: 10 });
    const property = fc.property(iterationLine, noise, (line, sequences) => {
      const sorted = sequences
        .map((one) => ({ ...one, at: Math.min(one.at, line.length) }))
        .toSorted((a, b) => b.at - a.at);
      const noisy = sorted.reduce((text, one) => text.slice(0, one.at) + one.colour + text.slice(one.at), line);
      // Two at one place must not cut each other, and a carriage return would.
      expect(parse(noisy)).toEqual(parse(line));
    });
    fc.assert(property);
  });

  it('what is left of one that was cut off says nothing else', () => {
    const property = fc.property(iterationLine, fc.nat({ max: 500 }), (line, length) => {
      const cut = parse(line.slice(0, length));
      if (cut === null) return;
      const { values: whole = {}, ...identity } = parse(line) ?? {};
      const { values, ...own } = cut;
      expect(own).toEqual(identity);
      expect(whole).toMatchObject(values);
    });
    fc.assert(property, { numRuns: 500 });
  });

  it('two that were run into each other are the second, or none', () => {
    const property = fc.property(iterationLine, iterationLine, fc.nat({ max: 500 }), (a, b, at) => {
      const length = Math.min(at, a.length);
      const glued = parse(a.slice(0, length) + b);
      if (glued !== null) expect(glued).toEqual(parse(b));
      const rest = parse(a.slice(length));
      if (rest !== null) expect(rest).toMatchObject({ step: parse(a)?.step, values: parse(a)?.values });
    });
    fc.assert(property, { numRuns: 500 });
  });

  it('the lines of two ranks are two series, however they come', () => {
    const scale = { worldSize: 8, sequenceLength: 1000 };
    const ranks = fc.uniqueArray(rank, { minLength: 2, maxLength: 2 });
    const turns = fc.array(fc.boolean(), { minLength: 2, maxLength: 30 });
    const property = fc.property(ranks, turns, ([first = 0, second = 0], isFirst) => {
      const counts = new Map([
        [first, 0],
        [second, 0],
      ]);
      const lines = isFirst.map((turn) => {
        const by = turn ? first : second;
        const step = (counts.get(by) ?? 0) + 1;
        counts.set(by, step);
        return `[rank-${by}/64] : iteration ${step}/ 30 | lm loss: ${exponent(step + by)} |`;
      });
      const steps = readLog(lines, scale).map((step) => ({ ...step, role: 'worker', host: 'n1' }));
      const series = settleSteps(steps, { warmupSteps: 1 });
      const read = series.map((one) => [one.rank, one.steps.map(({ step, values }) => [step, values['loss']])]);
      const told = [...counts].filter(([, count]) => count > 0);
      const losses = told.map(([by, count]) => [by, Array.from({ length: count }, (_, at) => [at + 1, at + 1 + by])]);
      expect(new Map(read as never)).toEqual(new Map(losses as never));
      expect(series.map(({ rewound }) => rewound)).toEqual(told.map(() => 0));
    });
    fc.assert(property);
  });

  it('nothing is read from other bytes', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.stringMatching(/^[ |:/\]0-9a-z\r]{0,40}iteration[ |:/0-9E+.-]{0,40}$/),
    );
    const property = fc.property(fc.array(text), (lines) => {
      for (const step of readLog(lines, { worldSize: 8, sequenceLength: 1000 }))
        expect(lines.join('\n')).toContain(String(step.step));
    });
    fc.assert(property, { numRuns: 500 });
  });
});
