import type { PlannedClaim } from '../../session/planned-claim.ts';

/** `--shard index/count`, as Vitest resolved it; the first is 1. */
interface Shard {
  readonly index: number;
  readonly count: number;
}

/**
 * Deals cells among shards, so that a sharded session launches each in exactly
 * one. All machines deal alike: blocks of neighbours, which may share a server,
 * in the order in which the cells are first seen. Shards get the same number of
 * cells or one more, of those that run and of those that do not each. Machines that
 * know other nodes would deal otherwise.
 */
export class CellShards {
  readonly #shard: Shard;
  readonly #shardOf = new Map<string, number>();
  readonly #running: number[];
  readonly #skipped: number[];

  constructor(shard: Shard) {
    this.#shard = shard;
    this.#running = Array.from({ length: shard.count }, () => 0);
    this.#skipped = Array.from({ length: shard.count }, () => 0);
  }

  /** The claims about the cells of this shard. A cell stays where it was dealt first. */
  keep(claims: readonly PlannedClaim[]): readonly PlannedClaim[] {
    const unseen = new Map(
      claims
        .filter(({ planned }) => !this.#shardOf.has(planned.cell.key))
        .map(({ planned }) => [planned.cell.key, planned]),
    );
    const cells = [...unseen.values()];
    this.#deal(
      cells.filter(({ skip }) => skip === null).map(({ cell }) => cell.key),
      this.#running,
    );
    this.#deal(
      cells.filter(({ skip }) => skip !== null).map(({ cell }) => cell.key),
      this.#skipped,
    );
    return claims.filter(({ planned }) => this.#shardOf.get(planned.cell.key) === this.#shard.index);
  }

  /** Why this shard has nothing to do although cells are selected; null when it has, or when none is. */
  explainEmpty(): string | null {
    const { index, count } = this.#shard;
    const cells = this.#shardOf.size;
    if (cells === 0 || [...this.#shardOf.values()].includes(index)) return null;
    return `shard ${index}/${count} has no cell: ${cells === 1 ? '1 cell' : `${cells} cells`} over ${count} shards`;
  }

  #deal(keys: readonly string[], held: number[]): void {
    const shares = sharesOf(keys.length, held);
    let from = 0;
    for (const [shard, share] of shares.entries()) {
      for (const key of keys.slice(from, from + share)) this.#shardOf.set(key, shard + 1);
      from += share;
      held[shard] = (held[shard] ?? 0) + share;
    }
  }
}

/** How many of some more each gets, so that all hold the same number or one more; of equals the first gets more. */
function sharesOf(more: number, held: readonly number[]): readonly number[] {
  const each = Math.floor(more / held.length);
  const byNeed = held.map((_, shard) => shard).toSorted((a, b) => (held[a] ?? 0) - (held[b] ?? 0));
  const favoured = new Set(byNeed.slice(0, more % held.length));
  return held.map((_, shard) => each + (favoured.has(shard) ? 1 : 0));
}
