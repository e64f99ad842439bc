import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tagsOfClaim } from '../../../../src/vitest/claims/suite.ts';
import { cellsOf, demoCells, suite, suitesFolder } from './written-suites.ts';

const folder = suitesFolder();
const check = () => undefined;
const cells = cellsOf(demoCells());

/** The cells of the demo that the only claim of a file is made about. */
async function about(path: string, claim: { benchmark?: string; when?: (cell: { cellId: string }) => boolean } = {}) {
  const { appliesTo, claims } = await suite(folder, path, { it: { ...claim, check } });
  return cells.filter((cell) => appliesTo(claims['it']!, cell)).map(({ cellId }) => cellId);
}

describe('a claim is made about', () => {
  it.each([
    ['logistics/x.test.ts', 2],
    ['benchmarks/x.test.ts', 2],
    ['inference/x.test.ts', 2],
    ['training/x.test.ts', 0],
    // The demo is no disaggregated one.
    ['inference/disagg.test.ts', 0],
    ['frameworks/llama-cpp.test.ts', 2],
    ['frameworks/vllm.test.ts', 0],
    ['models/tiny.test.mts', 2],
    ['models/other.test.ts', 0],
  ])('the cells that %s is about', async (path, count) => {
    expect(await about(path)).toHaveLength(count);
  });

  it('cells whose config asks for its benchmark', async () => {
    expect(await about('benchmarks/b.test.ts', { benchmark: 'ttft_p99' })).toHaveLength(2);
    expect(await about('benchmarks/b.test.ts', { benchmark: 'tpot_p99' })).toEqual([]);
  });

  it('cells that its own predicate lets through', async () => {
    expect(await about('benchmarks/w.test.ts', { when: ({ cellId }) => cellId === 'conc2' })).toEqual(['conc2']);
  });

  it('no cell that its predicate fails for, and says where', async () => {
    const when = (): boolean => {
      throw new Error('no such knob');
    };
    await expect(about('benchmarks/f.test.ts', { when })).rejects.toThrow(
      `${relative(process.cwd(), join(folder, 'benchmarks/f.test.ts'))}:2:3 it: its \`when\` failed for demo/conc1: no such knob - `,
    );
  });
});

describe('the tags of a claim', () => {
  it('are its tier, its benchmark and its own, written as all tags are', () => {
    const tags = tagsOfClaim(
      { tier: 5, file: '/x/own-latency.test.ts' },
      { benchmark: 'ttft_p99', tags: ['Slow Start'], check },
    );
    expect(tags.map(({ name }) => name)).toEqual(['tier_5', 'benchmark_ttft_p99', 'slow_start']);
    expect(tags[2]?.description).toBe('claims that own-latency tags so');
    expect(tagsOfClaim({ tier: 1, file: '/x/a.test.ts' }, { check }).map(({ name }) => name)).toEqual(['tier_1']);
  });
});
