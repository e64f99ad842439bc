import type { RoleHosts } from '../config/identity.ts';
import type { Status } from '../evidence/failure.ts';
import type { PlannedCell } from './plan.ts';

/** What became of a cell in this session. */
export type CellOutcome =
  | { readonly state: 'ran'; readonly folder: string; readonly status: Status }
  | { readonly state: 'skipped'; readonly reason: string };

/** The outcome of a cell that a session which ends never came to. */
export const NOT_RUN: CellOutcome = { state: 'skipped', reason: 'the session ended before its turn' };

/** Runs one cell on its nodes, start to teardown. */
type Launch = (planned: PlannedCell, hosts: RoleHosts) => Promise<CellOutcome>;

interface Waiting {
  readonly planned: PlannedCell;
  readonly hosts: RoleHosts;
  readonly nodes: readonly string[];
  readonly settle: (outcome: Promise<CellOutcome>) => void;
}

/**
 * Launches each requested cell exactly once, in the order of the requests; cells
 * on disjoint nodes run at the same time, cells that share a node never do.
 */
export class Scheduler {
  readonly #cells: ReadonlyMap<string, PlannedCell>;
  readonly #launch: Launch;
  readonly #outcomes = new Map<string, Promise<CellOutcome>>();
  readonly #busy = new Set<string>();
  #waiting: readonly Waiting[] = [];
  #isClosed = false;

  constructor(cells: readonly PlannedCell[], launch: Launch) {
    this.#cells = new Map(cells.map((planned) => [planned.cell.key, planned]));
    this.#launch = launch;
  }

  /** The outcome of a cell: the first request launches it, every later one waits for the same run. */
  request(key: string): Promise<CellOutcome> {
    const known = this.#outcomes.get(key);
    if (known !== undefined) return known;
    const outcome = this.#enqueue(key);
    this.#outcomes.set(key, outcome);
    return outcome;
  }

  /** Starts nothing any more: cells that wait for a node are not run, and so are all later requests. */
  close(): void {
    this.#isClosed = true;
    for (const { settle } of this.#waiting) settle(Promise.resolve(NOT_RUN));
    this.#waiting = [];
  }

  #enqueue(key: string): Promise<CellOutcome> {
    const planned = this.#cells.get(key);
    if (planned === undefined) return Promise.reject(new Error(`no cell ${key} in this session`));
    if (this.#isClosed) return Promise.resolve(NOT_RUN);
    const { binding } = planned;
    if (binding.state === 'unbound') return Promise.resolve({ state: 'skipped', reason: binding.detail });
    const nodes = [...new Set(Object.values(binding.hosts).flat())];
    return new Promise((settle) => {
      this.#waiting = [...this.#waiting, { planned, hosts: binding.hosts, nodes, settle }];
      this.#startWhatFits();
    });
  }

  // A waiting cell keeps its nodes from the ones behind it: a cell that needs
  // many nodes is not overtaken for ever by small ones.
  #startWhatFits(): void {
    const claimed = new Set(this.#busy);
    const still: Waiting[] = [];
    for (const entry of this.#waiting) {
      if (entry.nodes.some((node) => claimed.has(node))) still.push(entry);
      else this.#start(entry);
      for (const node of entry.nodes) claimed.add(node);
    }
    this.#waiting = still;
  }

  #start({ planned, hosts, nodes, settle }: Waiting): void {
    for (const node of nodes) this.#busy.add(node);
    const outcome = this.#launch(planned, hosts).finally(() => {
      for (const node of nodes) this.#busy.delete(node);
      this.#startWhatFits();
    });
    settle(outcome);
  }
}
