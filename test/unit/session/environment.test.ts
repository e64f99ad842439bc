import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseOverride } from '../../../src/config/override.ts';
import { reuseIn, toEnvironment, withEnvironment } from '../../../src/session/environment.ts';
import { sessionOptions } from '../session-options.ts';

const NOTHING = { configs: [], cluster: null, set: [], onlyCells: [], reuse: null };
const ofPlugin = sessionOptions({ root: '/project', configs: ['own/*.yaml'], cluster: 'own.cluster.yaml' });

const text = fc.string({ minLength: 1, unit: fc.constantFrom('a', '*', '[', ']', '"', ',', '\n', '\r', ' ', 'é') });

describe('the environment between the command and the plugin', () => {
  it('carries whatever was typed, line breaks and brackets included', () => {
    const override = text.map((value) => `params.note=${JSON.stringify(value)}`);
    const typed = fc.record({
      configs: fc.array(text, { minLength: 1 }),
      cluster: text,
      set: fc.array(fc.oneof(override, fc.constant('params.list=[1,\n2]'))),
      onlyCells: fc.array(text),
      reuse: fc.constantFrom('off', 'prefer', 'only', null),
    });
    fc.assert(
      fc.property(typed, (given) => {
        expect(reuseIn(toEnvironment(given))).toBe(given.reuse);
        expect(withEnvironment(ofPlugin, toEnvironment(given))).toEqual({
          ...ofPlugin,
          configs: given.configs,
          cluster: given.cluster,
          overrides: given.set.map(parseOverride),
          onlyCells: given.onlyCells,
        });
      }),
    );
  });

  it('leaves the options of the plugin where nothing was typed, or a variable is empty', () => {
    expect(toEnvironment(NOTHING)).toEqual({});
    expect(withEnvironment(ofPlugin, {})).toEqual(ofPlugin);
    const empty = { ASSAY_CONFIGS: '', ASSAY_CLUSTER: '', ASSAY_SET: '', ASSAY_ONLY_CELLS: '' };
    expect(withEnvironment(ofPlugin, empty)).toEqual(ofPlugin);
  });

  it.each([
    ['ASSAY_REUES', 'ASSAY_REUSE'],
    ['ASSAY_CONFIG', 'ASSAY_CONFIGS'],
    ['ASSAY_ONLYCELLS', 'ASSAY_ONLY_CELLS'],
    ['ASSAY_LOCKFOLDER', 'ASSAY_LOCK_FOLDER'],
  ])('refuses %s, which nobody would hear', (name, meant) => {
    expect(() => withEnvironment(ofPlugin, { [name]: 'x' })).toThrow(
      expect.objectContaining({
        code: 'USAGE',
        message: `the environment variable ${name} is none that Assay reads`,
        hint: `did you mean ${meant}? Else unset it`,
      }),
    );
    expect(withEnvironment(ofPlugin, { [name]: '' })).toEqual(ofPlugin);
  });

  it('leaves alone what is near none of its variables', () => {
    expect(
      withEnvironment(ofPlugin, { ASSAY_SEEDS: '1', ASSAY_RUN_ID: 'r', assay_set: 'x', MY_ASSAY_SETS: 'x' }),
    ).toEqual(ofPlugin);
  });

  it('refuses a reuse that is none, and takes an empty one for none', () => {
    expect(reuseIn({ ASSAY_REUSE: '' })).toBeNull();
    expect(() => reuseIn({ ASSAY_REUSE: 'maybe' })).toThrow(
      expect.objectContaining({
        code: 'USAGE',
        message: 'ASSAY_REUSE=maybe: stored runs are reused off, prefer or only',
        hint: 'write one of off, prefer, only',
      }),
    );
  });

  it.each([
    ['balanced-*', ['balanced-*']],
    ['a\nb\n', ['a', 'b']],
    ['["a\\nb", "c"]', ['a\nb', 'c']],
    ['[ab]*', ['[ab]*']],
    ['[1]', ['[1]']],
  ])('reads %j as people write it', (written, patterns) => {
    expect(withEnvironment(ofPlugin, { ASSAY_ONLY_CELLS: written }).onlyCells).toEqual(patterns);
    expect(withEnvironment(ofPlugin, { ASSAY_CONFIGS: written }).configs).toEqual(patterns);
  });
});
