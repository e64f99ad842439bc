import { describe, expect, it } from 'vitest';
import { faultsOf, withFaults } from '../../../../src/adapters/jax-js/faults.ts';

const none = { slowMs: 0, nanAtStep: null, deadAtStep: null };

describe('faultsOf', () => {
  it.each([
    ['nothing', {}, [none, none]],
    ['a slow rank', { ASSAY_JAXJS_SLOW_RANK: '1:40ms' }, [none, { ...none, slowMs: 40 }]],
    ['a NaN', { ASSAY_JAXJS_NAN_AT_STEP: '5' }, [{ ...none, nanAtStep: 5 }, none]],
    ['a dead rank', { ASSAY_JAXJS_DEAD_RANK: '1:0' }, [none, { ...none, deadAtStep: 0 }]],
  ])('reads %s', (_, env, expected) => {
    expect([0, 1].map((rank) => faultsOf(env, rank))).toEqual(expected);
  });

  it.each(['1', '1:40', 'one:40ms', '1:40ms '])('refuses %j', (value) => {
    expect(() => faultsOf({ ASSAY_JAXJS_SLOW_RANK: value }, 0)).toThrow(`ASSAY_JAXJS_SLOW_RANK=${value} is no fault`);
  });
});

describe('withFaults', () => {
  const own = () => Promise.resolve({ loss: 1, gradient: Float32Array.of(1, 2) });

  it('spoils loss and gradient of one step, and dies in another', async () => {
    const work = withFaults(own, { slowMs: 0, nanAtStep: 1, deadAtStep: 3 });
    const steps = [];
    for (let step = 0; step < 3; step += 1) steps.push(await work(new Float32Array(2), []));
    const fine = { loss: 1, gradient: Float32Array.of(1, 2) };
    expect(steps).toEqual([fine, { loss: NaN, gradient: Float32Array.of(NaN, NaN) }, fine]);
    await expect(work(new Float32Array(2), [])).rejects.toThrow('in step 3');
  });
});
