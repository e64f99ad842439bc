import { describe, expect, it } from 'vitest';
import type { Claim, ClaimCell, Series, Verdict } from 'vitest-assay/claims';
import distributed from '../../../suites/training/distributed.test.ts';
import steps from '../../../suites/training/steps.test.ts';
import { Run } from '../../../src/vitest/claims/run.ts';

/** What a training left. */
interface Left {
  readonly params?: Readonly<Record<string, unknown>>;
  readonly series?: readonly Series[];
}

/** A run of these rows, of which nothing is stored. */
class RunInMemory extends Run {
  readonly #series: readonly Series[];

  constructor(series: readonly Series[]) {
    super('/nowhere');
    this.#series = series;
  }

  override trajectory(): Promise<readonly Series[]> {
    return Promise.resolve(this.#series);
  }

  override verdict(benchmark: string): Verdict {
    return { benchmark } as Verdict;
  }
}

const cellOf = (params: Left['params'] = {}) => ({ params }) as unknown as ClaimCell;

/** What becomes of a claim about a run of these rows. */
async function judge({ check }: Claim, { params, series = [] }: Left): Promise<'holds' | 'fails' | 'not evaluable'> {
  const run = new RunInMemory(series);
  try {
    await check({ run, cell: cellOf(params), expect, warn: () => undefined });
    return 'holds';
  } catch (thrown) {
    if (!(thrown instanceof Error)) throw thrown;
    if (thrown.name === 'NotEvaluable') return 'not evaluable';
    if (thrown.name === 'AssertionError') return 'fails';
    throw thrown;
  }
}

/** A metric of a rank, a value a step. */
function rows(metric: string, values: Readonly<Record<number, number>>, from: Partial<Series> = {}): Series {
  const numbers = Object.keys(values).map(Number);
  return {
    metric,
    role: 'worker',
    host: 'n1',
    rank: 0,
    steps: Float64Array.from(numbers),
    tsMs: Float64Array.from(numbers),
    values: Float64Array.from(Object.values(values)),
    ...from,
  };
}

const loss = (...logged: readonly number[]) => rows('loss', Object.fromEntries(logged.map((step) => [step, 1 / step])));

describe('every_step_logged', () => {
  const { every_step_logged: claim } = steps;

  it.each<[string, number[], Left]>([
    ['every step', [1, 2, 3, 4], {}],
    ['every step, counted from 0', [0, 1, 2, 3], {}],
    ['every iteration', [1, 2, 3, 4], { params: { train_iters: 4 } }],
    ['every second step, as asked', [2, 4], { params: { steps: 4, log_freq: 2 } }],
    ['the first and every second iteration, as asked', [1, 2, 4], { params: { train_iters: 5, log_interval: 2 } }],
    ['all but an iteration that was skipped', [1, 2, 4], { series: [rows('skipped_iterations', { 2: 0, 3: 1 })] }],
  ])('holds of a log of %s', async (_, logged, { params = { steps: 4 }, series = [] }) => {
    expect(await judge(claim, { params, series: [loss(...logged), ...series] })).toBe('holds');
  });

  it.each<[string, number[], Left]>([
    ['a step', [1, 2, 4], {}],
    ['the last step', [1, 2, 3], {}],
    ['the last step, counted from 0', [0, 1, 2], {}],
    ['a step of those to be logged', [2, 6], { params: { steps: 6, log_freq: 2 } }],
    ['an iteration that was not skipped', [1, 2, 4], { series: [rows('skipped_iterations', { 2: 1, 3: 0 })] }],
  ])('fails of a log that lacks %s', async (_, logged, { params = { steps: 4 }, series = [] }) => {
    expect(await judge(claim, { params, series: [loss(...logged), ...series] })).toBe('fails');
  });

  it('fails of a log of more steps than were asked for', async () => {
    expect(await judge(claim, { params: { steps: 4 }, series: [loss(1, 2, 3, 4, 5)] })).toBe('fails');
    expect(await judge(claim, { params: { steps: 4 }, series: [loss(0, 1, 2, 3, 4)] })).toBe('fails');
  });

  it('is not evaluable without any loss', async () => {
    expect(await judge(claim, { params: { steps: 4 }, series: [rows('grad_norm', { 1: 1 })] })).toBe('not evaluable');
  });

  it('is made where the config says how many steps there are', () => {
    const asked = [{ steps: 4 }, { train_iters: 4 }, {}, { steps: 'all' }].map((params) =>
      claim.when?.(cellOf(params)),
    );
    expect(asked).toEqual([true, true, false, false]);
  });
});

describe('per_rank_step_sync', () => {
  const { per_rank_step_sync: claim } = distributed;
  const [one, other] = [{ rank: 0 }, { rank: 1 }];
  const timesOf = (from: Partial<Series>, ...times: readonly number[]) =>
    rows('step_time_ms', Object.fromEntries(times.entries()), from);

  it.each<[string, Series[]]>([
    ['ranks of the same steps, whatever their times', [timesOf(one, 5, 6), timesOf(other, 7, 8)]],
    ['nodes of the same steps', [timesOf({ rank: null }, 5), timesOf({ rank: null, host: 'n2' }, 5)]],
    [
      'ranks of the same weights',
      [rows('weights_checksum', { 1: 8, 2: 9 }, one), rows('weights_checksum', { 1: 8, 2: 9 }, other)],
    ],
  ])('holds of %s', async (_, series) => {
    expect(await judge(claim, { series })).toBe('holds');
  });

  it.each<[string, Series[]]>([
    ['a rank that did less', [timesOf(one, 5, 6), timesOf(other, 5)]],
    ['a rank that did other steps', [rows('loss', { 1: 5, 2: 5 }, one), rows('loss', { 1: 5, 3: 5 }, other)]],
    ['a node that did less', [timesOf({ rank: null }, 5, 6), timesOf({ rank: null, host: 'n2' }, 5)]],
    [
      'a rank of other weights',
      [rows('weights_checksum', { 1: 8, 2: 9 }, one), rows('weights_checksum', { 1: 8, 2: 7 }, other)],
    ],
    [
      'ranks whose weights are no numbers',
      [rows('weights_checksum', { 1: NaN }, one), rows('weights_checksum', { 1: NaN }, other)],
    ],
  ])('fails of %s', async (_, series) => {
    expect(await judge(claim, { series })).toBe('fails');
  });

  it('is not evaluable where one rank alone says anything', async () => {
    expect(await judge(claim, { series: [timesOf(one, 5), rows('loss', { 1: 5 }, other)] })).toBe('not evaluable');
  });
});

it.each([
  ['loss_finite', steps.loss_finite],
  ['no_straggler', distributed.no_straggler],
])('%s is the verdict of its benchmark', async (benchmark, claim) => {
  expect(claim.benchmark).toBe(benchmark);
  const verdict = await claim.check({ run: new RunInMemory([]), cell: cellOf(), expect, warn: () => undefined });
  expect(verdict).toEqual({ benchmark });
});
