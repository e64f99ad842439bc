/** What a cell holds while it runs: its nodes, alone or together with others that share. */
export interface NodeHold {
  readonly nodes: readonly string[];
  readonly isExclusive: boolean;
}

/** Which nodes are busy: any number of holds may share a node, an exclusive one has it alone. */
export class NodeLocks {
  readonly #exclusive = new Set<string>();
  /** How many holds share each node. */
  readonly #sharers = new Map<string, number>();
  readonly #listeners = new Set<() => void>();

  /** Calls back whenever nodes become free: several sessions of one process may wait for them. Answers what ends that. */
  onRelease(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** The same locks, to try out on. */
  copy(): NodeLocks {
    const copy = new NodeLocks();
    for (const node of this.#exclusive) copy.#exclusive.add(node);
    for (const [node, count] of this.#sharers) copy.#sharers.set(node, count);
    return copy;
  }

  isFree({ nodes, isExclusive }: NodeHold): boolean {
    return nodes.every((node) => !this.#exclusive.has(node) && (!isExclusive || !this.#sharers.has(node)));
  }

  take({ nodes, isExclusive }: NodeHold): void {
    for (const node of nodes) {
      if (isExclusive) this.#exclusive.add(node);
      else this.#sharers.set(node, (this.#sharers.get(node) ?? 0) + 1);
    }
  }

  release({ nodes, isExclusive }: NodeHold): void {
    for (const node of nodes) {
      const sharers = this.#sharers.get(node) ?? 0;
      if (isExclusive) this.#exclusive.delete(node);
      else if (sharers > 1) this.#sharers.set(node, sharers - 1);
      else this.#sharers.delete(node);
    }
    for (const listener of this.#listeners) listener();
  }
}
