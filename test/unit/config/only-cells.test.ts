import { describe, expect, it } from 'vitest';
import type { Cell } from '../../../src/config/cell.ts';
import { onlyCells } from '../../../src/config/only-cells.ts';

/** What of a cell a pattern can name. */
const cell = (testId: string, cellId: string) =>
  ({ key: `${testId}/${cellId}`, cellId, workload: { test_id: testId } }) as Cell;

const CELLS = [cell('vllm_gptoss', 'balanced-conc1'), cell('vllm_gptoss', 'balanced-conc2'), cell('demo', 'default')];

describe('onlyCells', () => {
  it.each([
    [[], ['vllm_gptoss/balanced-conc1', 'vllm_gptoss/balanced-conc2', 'demo/default']],
    [
      ['*-conc2', 'demo/*'],
      ['vllm_gptoss/balanced-conc2', 'demo/default'],
    ],
    [['vllm_*/balanced-conc1'], ['vllm_gptoss/balanced-conc1']],
  ])('keeps what %j names, in the order of the configs', (patterns, keys) => {
    expect(onlyCells(CELLS, patterns).map(({ key }) => key)).toEqual(keys);
  });

  it.each([
    ['balanced-conc3', 'did you mean `balanced-conc1`?'],
    ['vllm_gptoss', "vllm_gptoss is a config: write 'vllm_gptoss/*'"],
    ['vllm_*', "vllm_gptoss is a config: write 'vllm_*/*'"],
    ['vllm_gptos/*', 'did you mean `vllm_gptoss/*`?'],
    ['vllm_gptoss/balanced-conk1', 'did you mean `vllm_gptoss/balanced-conc1`?'],
    ['vllm_gptoss/nothing_like_it*', expect.stringMatching(/^there are vllm_gptoss\/balanced-conc1, /)],
    ['nothing_like_it', 'there are balanced-conc1, balanced-conc2, default'],
  ])('refuses %j and says what to write', (pattern, hint) => {
    expect(() => onlyCells(CELLS, [pattern])).toThrow(
      expect.objectContaining({
        code: 'SELECTION_INVALID',
        message: `--only-cells ${pattern} matches none of 3 cells`,
        hint,
      }),
    );
  });
});
