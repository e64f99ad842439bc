import { describe, expect, it } from 'vitest';
import { titleOf } from '../../../../src/session/planned-claim.ts';
import { selectClaims } from '../../../../src/vitest/select/selection.ts';
import { parseTagFilter } from '../../../../src/vitest/select/tag-filter.ts';
import { readNameFilter } from '../../../../src/vitest/select/words.ts';
import { cellOf, claimOf, claimsAbout } from './claims-of-cells.ts';

const claims = claimsAbout(
  [
    cellOf({ framework: 'vllm', id: 'balanced-conc1', tags: ['knob_attention_aiter'] }),
    cellOf({ framework: 'vllm', id: 'balanced-conc16', tags: ['knob_attention_fa'], skip: 'insufficient_nodes' }),
    cellOf({ framework: 'sglang', id: 'balanced-conc1', tags: ['knob_attention_aiter'] }),
  ],
  [claimOf('lifecycle', ['tier_1']), claimOf('ttft_p99', ['tier_5', 'benchmark_ttft_p99'])],
);
const known = new Set(
  claims.flatMap(({ planned, claim }) => [...planned.cell.tags, ...claim.tags].map(({ name }) => name)),
);
known.add('skipped_insufficient_nodes');

const select = (typed: string | null, ...tags: readonly string[]): readonly string[] =>
  selectClaims(claims, {
    byName: readNameFilter(typed === null ? undefined : new RegExp(typed)),
    byTags: tags.length === 0 ? null : parseTagFilter(tags, known),
  }).map(titleOf);

describe('selectClaims', () => {
  it('finds words in tags of the cell, tags of the claim, and the name, in any order', () => {
    const expected = ['ttft_p99[vllm-tiny-balanced-conc1]'];
    expect(select('aiter vllm tier_5')).toEqual(expected);
    expect(select('benchmark_ttft vllm conc1')).toEqual(expected);
    expect(select('conc1 p99 framework_VLLM')).toEqual(expected);
    expect(select('vllm aiter nothing')).toEqual([]);
  });

  it('holds a regular expression against the name alone', () => {
    expect(select(String.raw`^ttft.*conc(1|16)\]$`)).toEqual([
      'ttft_p99[vllm-tiny-balanced-conc1]',
      'ttft_p99[vllm-tiny-balanced-conc16]',
      'ttft_p99[sglang-tiny-balanced-conc1]',
    ]);
    expect(select('^framework_vllm')).toEqual([]);
  });

  it('passes tags of the cell and of the claim in one expression', () => {
    expect(select(null, 'framework_sglang or tier_5 and not knob_attention_aiter')).toEqual([
      'ttft_p99[vllm-tiny-balanced-conc16]',
      'lifecycle[sglang-tiny-balanced-conc1]',
      'ttft_p99[sglang-tiny-balanced-conc1]',
    ]);
    expect(select(null, 'tier_*', 'skipped_insufficient_nodes')).toHaveLength(2);
    expect(select(null, 'not *')).toEqual([]);
  });

  it('wants both filters', () => {
    expect(select('sglang', 'tier_1')).toEqual(['lifecycle[sglang-tiny-balanced-conc1]']);
    expect(select('^life', 'framework_vllm and not skipped_*')).toEqual(['lifecycle[vllm-tiny-balanced-conc1]']);
  });

  it('without filters keeps everything', () => {
    expect(select(null)).toHaveLength(claims.length);
  });
});
