import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expandSweep } from '../../../src/config/sweep.ts';
import type { Sweep } from '../../../src/config/schema/schema.ts';

const tokens = { concurrency: 'conc', micro_batch_size: 'mbs' };
const expand = (sweep: Partial<Sweep>) => expandSweep({ exclude: [], include: [], ...sweep } as Sweep, tokens);
const ids = (sweep: Partial<Sweep>) => expand(sweep).points.map(({ cellId }) => cellId);

const shapes = [
  { isl: 1024, osl: 1024, name: 'balanced' },
  { isl: 4096, osl: 128, name: 'prefill_heavy' },
];

describe('expandSweep', () => {
  it('puts paired axes outside, scalar axes inside, in declaration order', () => {
    expect(ids({ concurrency: [16, 32, 64], isl_osl: shapes })).toEqual([
      'balanced-conc16',
      'balanced-conc32',
      'balanced-conc64',
      'prefill_heavy-conc16',
      'prefill_heavy-conc32',
      'prefill_heavy-conc64',
    ]);
  });

  it('gives a config without axes the one cell default, with its fixed params', () => {
    expect(expand({ isl: 7 }).points).toEqual([
      {
        cellId: 'default',
        axes: { isl: 7 },
        params: { isl: 7 },
        origins: { isl: { path: ['isl'], option: null } },
        topology: null,
      },
    ]);
  });

  it('keeps the fields of an option together and carries its topology', () => {
    const split = { topology: { roles: {} }, prefill_policy: 'random', name: '2p2d' };
    const option = { token: '2p2d', path: ['pd', 0] };
    expect(expand({ pd: [split], concurrency: [32] }).points).toEqual([
      {
        cellId: '2p2d-conc32',
        axes: { prefill_policy: 'random', pd: '2p2d', concurrency: 32 },
        params: { prefill_policy: 'random', concurrency: 32 },
        origins: {
          prefill_policy: { path: ['pd', 0, 'prefill_policy'], option },
          concurrency: { path: ['concurrency', 0], option: null },
        },
        topology: { value: { roles: {} }, path: ['pd', 0, 'topology'] },
      },
    ]);
  });

  it('names an option of up to two fields by them, and wants a name for more', () => {
    expect(ids({ combos: [{ tp: 8, dp: 4 }] })).toEqual(['tp8_dp4']);
    expect(expand({ combos: [{ tp: 8, pp: 1, dp: 4 }] }).mistakes).toEqual([
      {
        path: ['combos', 0],
        message: 'an option with 3 fields (tp, pp, dp) has no name',
        hint: 'add `name:`; it becomes part of the cell id',
      },
    ]);
  });

  it('excludes by value and option name together, and keeps only what include names', () => {
    expect(
      ids({ concurrency: [16, 64], isl_osl: shapes, exclude: [{ concurrency: 64, isl_osl: 'prefill_heavy' }] }),
    ).toEqual(['balanced-conc16', 'balanced-conc64', 'prefill_heavy-conc16']);
    expect(ids({ concurrency: [16, 64], isl_osl: shapes, include: [{ isl: 4096 }] })).toEqual([
      'prefill_heavy-conc16',
      'prefill_heavy-conc64',
    ]);
  });

  it('reports filters that match nothing, and cells with one name', () => {
    expect(expand({ concurrency: [16], exclude: [{ concurrency: 17 }] }).mistakes).toEqual([
      {
        path: ['exclude', 0],
        message: '{"concurrency":17} matches no cell',
        hint: 'concurrency is 16 here',
      },
    ]);
    expect(expand({ concurrency: [16, 16] }).mistakes).toEqual([
      {
        path: ['concurrency', 1],
        message: '16 is in this list already',
        hint: 'remove it',
      },
    ]);
    const joined = { left: [{ name: 'a' }, { name: 'a-b' }], right: [{ name: 'b-c' }, { name: 'c' }] };
    expect(expand(joined).mistakes).toMatchObject([{ path: [], message: 'two cells are called a-b-c' }]);
  });

  it.each([
    [
      { shape: [{ isl: 1, name: 'pre fill/heavy' }] },
      ['shape', 0, 'name'],
      '"pre fill/heavy" cannot be part of a cell id',
    ],
    [{ shape: [{ isl: 1, name: '' }] }, ['shape', 0, 'name'], '"" cannot be part of a cell id'],
    [{ shape: [{ isl: 1, name: '../up' }] }, ['shape', 0, 'name'], '"../up" cannot be part of a cell id'],
    [
      { shape: [{ isl: 1 }, { mode: 'a b' }] },
      ['shape', 1],
      '"modea b", made of its fields, cannot be part of a cell id',
    ],
    [{ mode: ['ok', 'a b'] }, ['mode', 1], '"a b" cannot be part of a cell id'],
    [{ 'a/b': [1] }, ['a/b', 0], '"a/b" cannot be part of a cell id'],
  ] as const)('refuses tokens that no path can hold: %j', (sweep, path, message) => {
    expect(expand(sweep as unknown as Partial<Sweep>).mistakes).toMatchObject([{ path, message }]);
  });

  it('makes tokens of negative and broken numbers', () => {
    const { points, mistakes } = expand({ rate: [-1, 0.5], slots: 'a b', shape: [{ isl: 1, name: 'x_1.5-y' }] });
    expect(mistakes).toEqual([]);
    expect(points.map(({ cellId }) => cellId)).toEqual(['x_1.5-y-rate-1', 'x_1.5-y-rate0.5']);
  });

  it('refuses more cells than anybody can run, before it makes them', () => {
    const many = Array.from({ length: 1000 }, (_, index) => index);
    expect(expand({ a: many, b: many, c: many })).toEqual({
      points: [],
      mistakes: [
        {
          path: [],
          message: '1000 a x 1000 b x 1000 c = 1000000000 cells, more than the limit of 100000',
          hint: 'sweep fewer values, or write an axis that lists the combinations you need, as mappings',
        },
      ],
    });
  });

  it('refuses ids that a path cannot hold, and two axes that both bring a topology', () => {
    const long = expand({ shape: [{ name: 'x'.repeat(121) }] }).mistakes;
    expect(long).toMatchObject([{ message: expect.stringContaining('has 121 characters, more than 120') }]);
    const both = { a: [{ name: 'x', topology: {} }], b: [{ name: 'y', topology: {} }] };
    expect(expand(both).mistakes).toMatchObject([{ path: ['b'], message: 'sets topology, and so does sweep.a' }]);
  });

  it('refuses a param that two axes set', () => {
    expect(expand({ isl: [1, 2], shape: [{ isl: 3, osl: 4 }, { isl: 5 }] }).mistakes).toEqual([
      { path: ['shape'], message: 'sets isl, and so does sweep.isl', hint: 'keep it in one of them' },
    ]);
    expect(expand({ a: [{ isl: 1 }], b: [{ osl: 1 }, { isl: 2 }], osl: 3 }).mistakes).toMatchObject([
      { path: ['b'], message: 'sets isl, and so does sweep.a' },
      { path: ['osl'], message: 'sets osl, and so does sweep.b' },
    ]);
  });

  it('refuses an axis that is called like a field of its options', () => {
    expect(expand({ isl: [{ isl: 1, osl: 4 }, { isl: 5 }] }).mistakes).toEqual([
      { path: ['isl'], message: 'isl is also a field of its options', hint: 'give the axis a name of its own' },
    ]);
  });

  it('refuses filters that leave no cell', () => {
    expect(expand({ isl: [1, 2], exclude: [{ isl: 1 }, { isl: 2 }] }).mistakes).toEqual([
      { path: ['exclude'], message: 'leaves none of 2 cells', hint: 'keep at least one cell' },
    ]);
    expect(expand({ isl: [1], exclude: [{}] }).mistakes).toMatchObject([{ message: 'leaves none of 1 cell' }]);
    expect(expand({ isl: [1], include: [{ isl: 2 }] }).mistakes).toMatchObject([{ path: ['include', 0] }]);
  });

  const axes = fc.dictionary(
    fc.stringMatching(/^[a-z]{1,4}$/).filter((name) => !['exclude', 'include', 'name'].includes(name)),
    fc.uniqueArray(fc.integer({ min: 0, max: 99 }), { minLength: 1, maxLength: 4 }),
    { maxKeys: 4 },
  );

  it('has as many cells as the product of its axes, all with their own id', () => {
    fc.assert(
      fc.property(axes, (sweep) => {
        const product = Object.values(sweep).reduce((count, values) => count * values.length, 1);
        expect(new Set(ids(sweep)).size).toBe(product);
      }),
    );
  });

  it('leaves the other cells as they are when an axis gets one more value', () => {
    fc.assert(
      fc.property(axes, (sweep) => {
        const [first] = Object.keys(sweep);
        fc.pre(first !== undefined);
        const wider = { ...sweep, [first!]: [...(sweep[first!] ?? []), 100] };
        const before = expand(sweep).points;
        const after = expand(wider).points.filter(({ axes: values }) => values[first!] !== 100);
        expect(after).toEqual(before);
      }),
    );
  });
});
