import { describe, expect, it } from 'vitest';
import { CellShards } from '../../../../src/vitest/select/shard.ts';
import { cellOf, claimOf, claimsAbout } from './claims-of-cells.ts';

const cells = (...ids: readonly string[]) => ids.map((id) => cellOf({ framework: 'vllm', id }));
const claims = [claimOf('lifecycle'), claimOf('ttft_p99')];
const keep = (index: number, count: number, ...ids: readonly string[]): readonly string[] => [
  ...new Set(
    new CellShards({ index, count }).keep(claimsAbout(cells(...ids), claims)).map(({ planned }) => planned.cell.cellId),
  ),
];

describe('CellShards', () => {
  it('deals blocks of neighbours', () => {
    expect(keep(1, 3, 'a', 'b', 'c', 'd', 'e', 'f', 'g')).toEqual(['a', 'b', 'c']);
    expect(keep(2, 3, 'a', 'b', 'c', 'd', 'e', 'f', 'g')).toEqual(['d', 'e']);
    expect(keep(3, 3, 'a', 'b', 'c', 'd', 'e', 'f', 'g')).toEqual(['f', 'g']);
  });

  it('deals what another project adds to those that have less, and never deals a cell twice', () => {
    const shards = new CellShards({ index: 2, count: 2 });
    const [one, two] = [claimsAbout(cells('a', 'b', 'c'), claims), claimsAbout(cells('b', 'd'), claims)];
    expect(shards.keep(one).map(({ planned }) => planned.cell.cellId)).toEqual(['c', 'c']);
    expect(shards.keep(two).map(({ planned }) => planned.cell.cellId)).toEqual(['d', 'd']);
    expect(shards.keep(one).map(({ planned }) => planned.cell.cellId)).toEqual(['c', 'c']);
  });

  it('deals cells that are skipped anyway apart, so that they take nobody the place of a launch', () => {
    const [a, b] = cells('a', 'b');
    const skipped = ['s', 't'].map((id) => cellOf({ framework: 'vllm', id, skip: 'insufficient_nodes' }));
    const all = claimsAbout([...skipped, ...(a === undefined || b === undefined ? [] : [a, b])], claims);
    const kept = new CellShards({ index: 1, count: 2 }).keep(all).map(({ planned }) => planned.cell.cellId);
    expect([...new Set(kept)]).toEqual(['s', 'a']);
  });

  it('says why a shard has nothing to do', () => {
    const shards = new CellShards({ index: 4, count: 4 });
    expect(shards.explainEmpty()).toBeNull();
    expect(shards.keep(claimsAbout(cells('a', 'b', 'c'), claims))).toEqual([]);
    expect(shards.explainEmpty()).toBe('shard 4/4 has no cell: 3 cells over 4 shards');
  });
});
