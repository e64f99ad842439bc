import { describe, expect, it } from 'vitest';
import { explainEmptySelection } from '../../../../src/vitest/select/nearest-selection.ts';
import { parseTagFilter } from '../../../../src/vitest/select/tag-filter.ts';
import { readNameFilter } from '../../../../src/vitest/select/words.ts';
import { cellOf, claimOf, claimsAbout } from './claims-of-cells.ts';

const claims = claimsAbout(
  [
    cellOf({ framework: 'vllm', id: 'balanced-conc1', tags: ['knob_attention_aiter'] }),
    cellOf({ framework: 'vllm', id: 'balanced-conc4', tags: ['knob_attention_fa'] }),
    cellOf({ framework: 'sglang', id: 'prefill-conc1', tags: ['knob_attention_aiter'] }),
  ],
  [claimOf('lifecycle', ['tier_1']), claimOf('ttft_p99', ['tier_5'])],
);
const known = claims.flatMap(({ planned, claim }) => [...planned.cell.tags, ...claim.tags].map(({ name }) => name));

const sayOutside = (word: string): string | null => (word === 'megatron' ? 'other.yaml has it' : null);

const explain = (typed: string | null, ...tags: readonly string[]): readonly string[] =>
  explainEmptySelection(
    claims,
    {
      byName: readNameFilter(typed === null ? undefined : new RegExp(typed)),
      byTags: tags.length === 0 ? null : parseTagFilter(tags, [...known, 'own']),
    },
    sayOutside,
  );

describe('explainEmptySelection', () => {
  it('names the largest parts that select something, those typed first before the others', () => {
    expect(explain('vllm prefill ttft aiter')).toEqual([
      'no claim selected - nothing has "vllm", "prefill", "ttft" and "aiter" together',
      '  -t "vllm ttft aiter"      1 cell, 1 claim   (without prefill)',
      '  -t "prefill ttft aiter"   1 cell, 1 claim   (without vllm)',
    ]);
  });

  it('counts all cells and claims of what it suggests', () => {
    expect(explain('prefill', 'framework_vllm')).toEqual([
      'no claim selected - nothing has "prefill" and "framework_vllm" together',
      '  -t "prefill"                     1 cell, 2 claims    (without framework_vllm)',
      '  --tags-filter "framework_vllm"   2 cells, 4 claims   (without prefill)',
    ]);
  });

  it('takes each operand of an outer "and" for a condition of its own', () => {
    expect(explain('tier_1', '(framework_sglang and not knob_attention_aiter) and tier_*')).toEqual([
      'no claim selected - nothing has "tier_1", "framework_sglang", "not knob_attention_aiter" and "tier_*" together',
      '  -t "tier_1" --tags-filter "framework_sglang and tier_*"           1 cell, 1 claim   (without not knob_attention_aiter)',
      '  -t "tier_1" --tags-filter "not knob_attention_aiter and tier_*"   1 cell, 1 claim   (without framework_sglang)',
    ]);
  });

  it('says what a word that nothing has may have meant, and goes on without it', () => {
    expect(explain('vlm ttft aiterr')).toEqual([
      'no claim selected - "vlm" is in no tag and no name - did you mean `vllm`?',
      '  "aiterr" is in no tag and no name - did you mean `aiter`?',
      '  -t "ttft"   3 cells, 3 claims   (without vlm, aiterr)',
    ]);
  });

  it('says which config has a word, instead of what it may have meant', () => {
    expect(explain('balanced megatron vlm')).toEqual([
      'no claim selected - "megatron" is in no tag and no name',
      '  other.yaml has it',
      '  "vlm" is in no tag and no name - did you mean `vllm`?',
      '  -t "balanced"   2 cells, 4 claims   (without megatron, vlm)',
    ]);
  });

  it('says where to look when no part of the filter selects anything', () => {
    expect(explain('qqqqqqqq')).toEqual([
      'no claim selected - "qqqqqqqq" is in no tag and no name',
      '  look at the names with `vitest list`, at the tags with `vitest --list-tags`',
    ]);
    expect(explain(null, 'own and own')[0]).toBe('no claim selected - no claim passes the tag filter "own"');
  });

  it('quotes for the shell what it suggests', () => {
    expect(explain(String.raw`conc(1|4)\]$`, 'own').slice(1)).toEqual([
      String.raw`  -t 'conc(1|4)\]$'   3 cells, 6 claims   (without own)`,
    ]);
    expect(explain('^framework')[0]).toMatch(/^no claim selected - the expression "\^framework" matches no name/);
  });

  it('suggests three at most', () => {
    expect(explain('vllm balanced conc4 aiter prefill lifecycle ttft sglang').length).toBeLessThanOrEqual(4);
  });

  it('says so when there is nothing to select from', () => {
    expect(explainEmptySelection([], { byName: { kind: 'all' }, byTags: null })).toEqual([
      'no claim selected - no suite makes a claim about any cell',
    ]);
  });
});
