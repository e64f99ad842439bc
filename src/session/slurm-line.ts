import { canonicalJson } from '../core/canonical-json.ts';
import type { HostsSpec } from '../exec/hosts.ts';
import { cancelSlurmArrays, submitSlurmArray } from '../exec/slurm-array.ts';
import type { PlannedCell } from './plan.ts';

/**
 * A session's places in the queue of Slurm: when several cells in a row need the same allocation, all of
 * them are asked for at once, as one job array of which one task at a time holds the nodes.
 */
export class SlurmLine {
  readonly #session: string;
  /** Tasks that no run took yet, by what they were asked for. */
  readonly #tasks = new Map<string, string[]>();
  readonly #closed = new AbortController();
  #hasArrays = false;

  constructor(session: string) {
    this.#session = session;
  }

  /** The task that a run takes; null when it asks for an allocation of its own. */
  async take(spec: HostsSpec, cells: readonly PlannedCell[]): Promise<string | null> {
    const { reach, nodes, timeLimitMs, isExclusive } = spec;
    if (reach.executor !== 'slurm') return null;
    const request = { nodes, slurm: reach.slurm, timeLimitMs, isExclusive };
    const key = canonicalJson(request);
    const known = this.#tasks.get(key)?.shift();
    const count = Math.min(cellsInLine(cells), LARGEST_ARRAY);
    // Those that share their nodes may hold them at the same time: no line.
    if (known !== undefined || count < 2 || !isExclusive) return known ?? null;
    this.#hasArrays = true;
    const { signal } = this.#closed;
    // Whoever is refused an array is refused a job, and its run says so.
    const tasks = await submitSlurmArray(request, { sessionId: this.#session, count, signal }).catch(() => []);
    const [first = null, ...others] = tasks;
    this.#tasks.set(key, [...(this.#tasks.get(key) ?? []), ...others]);
    return first;
  }

  /** Whether it has places that no run took yet. */
  hasTasks(): boolean {
    return [...this.#tasks.values()].some((tasks) => tasks.length > 0);
  }

  /** Gives back what no run took. Rejects when Slurm did not confirm it. */
  async close(): Promise<void> {
    this.#closed.abort(new Error('the session was stopped'));
    if (this.#hasArrays) await cancelSlurmArrays(this.#session);
  }
}

// What every Slurm accepts.
const LARGEST_ARRAY = 1000;

/** How many of these cells, from the first on, surely need an allocation each, and all the same one. */
function cellsInLine(cells: readonly PlannedCell[]): number {
  const keys = cells.map(({ cell: { workload, topology } }) => {
    // One that takes over the servers of the cell before needs no allocation; one behind a canary may never need any.
    if (workload.reuse_server || workload.canary) return null;
    const { timeouts, exclusive } = workload;
    return canonicalJson({ timeouts, exclusive, topology });
  });
  const end = keys.findIndex((key) => key === null || key !== keys[0]);
  return end === -1 ? keys.length : end;
}
