import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseWorkerArgv, workerArgv } from '../../../../src/adapters/jax-js/worker-argv.ts';

const whole = (min: number) => fc.integer({ min });
const positive = fc.double({ min: Number.MIN_VALUE, noDefaultInfinity: true, noNaN: true });
const nonNegative = fc.double({ min: 0, noDefaultInfinity: true, noNaN: true }).map(Math.abs);
const text = fc.string({ minLength: 1 });
const options = fc.record(
  {
    ranks: whole(1),
    steps: whole(1),
    microBatchSize: whole(1),
    sequenceLength: whole(2),
    learningRate: positive,
    warmupSteps: whole(0),
    finalLearningRateShare: nonNegative,
    weightDecay: nonNegative,
    maxGradNorm: positive,
    seed: whole(0),
    heldOutWindowLength: whole(2),
    corpus: text,
    corpusSha256: fc.stringMatching(/^[0-9a-f]{64}$/),
    out: text,
  },
  {
    requiredKeys: [
      'ranks',
      'steps',
      'microBatchSize',
      'sequenceLength',
      'learningRate',
      'warmupSteps',
      'finalLearningRateShare',
      'weightDecay',
      'maxGradNorm',
      'seed',
      'heldOutWindowLength',
      'corpus',
    ],
  },
);

describe('the arguments of the worker', () => {
  it('say what was asked for, whatever it is', () => {
    fc.assert(
      fc.property(options, (some) => {
        expect(parseWorkerArgv(workerArgv(some))).toEqual(some);
      }),
    );
  });

  it('are refused with everything that is wrong with them', () => {
    const [good] = fc.sample(options, { numRuns: 1, seed: 1 });
    const argv = workerArgv({ ...good!, ranks: 0, learningRate: 0 }).filter((word) => !word.startsWith('--corpus='));
    expect(() => parseWorkerArgv([...argv, '--steps=many'])).toThrow(
      '--ranks must be a whole number from 1 on (got 0); --steps must be a whole number from 1 on (got many); ' +
        '--learning-rate must be a number above 0 (got 0); --corpus is missing',
    );
    expect(() => parseWorkerArgv(['--tp=2'])).toThrow("Unknown option '--tp'");
  });
});
