import type { RoleHosts } from '../config/identity.ts';
import type { Status } from '../evidence/failure.ts';
import { NodeLocks } from './node-locks.ts';
import type { NodeHold } from './node-locks.ts';
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
  readonly hold: NodeHold;
  readonly settle: (outcome: Promise<CellOutcome>) => void;
}

/**
 * Launches each requested cell exactly once, in the order of the requests; cells
 * on disjoint nodes run at the same time, cells that share a node only when all of them allow it.
 */
export class Scheduler {
  readonly #cells: ReadonlyMap<string, PlannedCell>;
  readonly #launch: Launch;
  readonly #outcomes = new Map<string, Promise<CellOutcome>>();
  readonly #locks: NodeLocks;
  #waiting: readonly Waiting[] = [];
  #isClosed = false;

  /** `locks` are those of everything in this process that may launch on the same nodes. */
  constructor(cells: readonly PlannedCell[], launch: Launch, locks = new NodeLocks()) {
    this.#cells = new Map(cells.map((planned) => [planned.cell.key, planned]));
    this.#launch = launch;
    this.#locks = locks;
    locks.onRelease(() => this.#startWhatFits());
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
    const { binding, skip, cell } = planned;
    if (skip !== null) return Promise.resolve({ state: 'skipped', reason: skip.detail });
    if (binding.state === 'unbound') throw new Error(`${key} is on no node, and not skipped`);
    const { hosts } = binding;
    const hold = { nodes: [...new Set(Object.values(hosts).flat())], isExclusive: cell.workload.exclusive };
    return new Promise((settle) => {
      this.#waiting = [...this.#waiting, { planned, hosts, hold, settle }];
      this.#startWhatFits();
    });
  }

  // A waiting cell keeps its nodes from the ones behind it: a cell that needs
  // many nodes is not overtaken for ever by small ones.
  #startWhatFits(): void {
    const claimed = this.#locks.copy();
    const still: Waiting[] = [];
    for (const entry of this.#waiting) {
      if (claimed.isFree(entry.hold)) this.#start(entry);
      else still.push(entry);
      claimed.take(entry.hold);
    }
    this.#waiting = still;
  }

  #start({ planned, hosts, hold, settle }: Waiting): void {
    this.#locks.take(hold);
    const outcome = this.#launch(planned, hosts).finally(() => {
      this.#locks.release(hold);
    });
    settle(outcome);
  }
}
