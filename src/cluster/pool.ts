/** One machine that cells can be bound to. */
export interface PoolNode {
  readonly name: string;
  readonly gpus: number;
  /** What selectors match, e.g. `mi300x`. */
  readonly labels: readonly string[];
}

/** The nodes there are, in declaration order; no roles. */
export interface Pool {
  readonly nodes: readonly PoolNode[];
}

/** The pool of a session without a cluster file: this machine, without a GPU. */
export const localPool: Pool = { nodes: [{ name: 'localhost', gpus: 0, labels: ['cpu'] }] };
