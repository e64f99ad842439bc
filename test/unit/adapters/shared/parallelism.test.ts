import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { checkParallelism, parallelismFields } from '../../../../src/adapters/shared/parallelism.ts';

const worker = (count: number, gpus_per_node: number) => ({
  roles: { worker: { count, gpus_per_node, selector: '' } },
});
const degrees = z.strictObject(parallelismFields);
const check = (params: z.input<typeof degrees>, topology: ReturnType<typeof worker>) =>
  checkParallelism({ params: degrees.parse(params), topology });

describe('checkParallelism', () => {
  it('is silent exactly when the product of the degrees is the number of GPUs', () => {
    const degree = fc.constantFrom(1, 2, 3, 4, 8);
    fc.assert(
      fc.property(
        fc.record({ tp: degree, pp: degree, dp: degree, fsdp: degree }),
        fc.integer({ min: 1, max: 64 }),
        fc.integer({ min: 0, max: 8 }),
        (params, count, gpusPerNode) => {
          const agrees = params.tp * params.pp * params.dp * params.fsdp === count * gpusPerNode;
          expect(check(params, worker(count, gpusPerNode))).toHaveLength(agrees ? 0 : 1);
        },
      ),
    );
  });

  it('is silent for every way to split the GPUs into four degrees', () => {
    const degree = fc.integer({ min: 1, max: 16 });
    fc.assert(
      fc.property(fc.record({ tp: degree, pp: degree, dp: degree, fsdp: degree }), (params) => {
        expect(check(params, worker(params.tp * params.pp, params.dp * params.fsdp))).toEqual([]);
      }),
    );
  });

  it.each([
    [{ tp: 8, pp: 2, dp: 4 }, 'tp'],
    [{ pp: 2, dp: 4, fsdp: 8 }, 'pp'],
    [{ dp: 4, fsdp: 2 }, 'dp'],
    [{ fsdp: 2 }, 'fsdp'],
    [{}, 'tp'],
  ])('blames the first degree of %j that is not 1', (params, field) => {
    expect(check(params, worker(4, 8))).toMatchObject([{ field }]);
  });

  it('says what to do about a role without GPUs', () => {
    expect(check({}, worker(1, 0))).toEqual([
      {
        field: 'tp',
        message: 'tp*pp*dp*fsdp = 1*1*1*1 = 1, but role worker has 0 GPUs (1 node x 0)',
        hint: 'add gpus_per_node to role worker',
      },
    ]);
  });

  it.each([[0], [-1], [1.5], ['8'], [null]])('refuses the degree %j', (tp) => {
    expect(degrees.safeParse({ tp }).success).toBe(false);
  });
});
