import type { RoleHosts } from '../config/identity.ts';
import type { Status } from '../evidence/failure.ts';
import { Canaries } from './canary.ts';
import { NodeLocks } from './node-locks.ts';
import type { NodeHold } from './node-locks.ts';
import type { PlannedCell } from './plan.ts';
import type { Skip } from './skip.ts';

/** What became of a cell in this session. */
export type CellOutcome =
  | { readonly state: 'ran'; readonly folder: string; readonly status: Status }
  | { readonly state: 'skipped'; readonly reason: string };

/** The outcome of a cell that a session which ends never came to. */
export const NOT_RUN: CellOutcome = { state: 'skipped', reason: 'the session ended before its turn' };

/** Servers that a run left running for the next one on the same nodes. */
export interface Kept {
  /** Ends them. */
  close(): Promise<void>;
}

/** A cell's turn on its nodes. */
export interface Turn<Servers extends Kept> {
  readonly planned: PlannedCell;
  readonly hosts: RoleHosts;
  /** What the cell before it on these nodes left running; null when there was none. */
  readonly before: Servers | null;
  /** Ask it at the end: whether a cell waits for these nodes that may want the servers. */
  readonly mayKeep: () => boolean;
  /** Asks for the cells that come next on the very same nodes, in order, before one that needs some of them only. */
  readonly behind: () => readonly PlannedCell[];
}

/** What a turn came to, and the servers it left running. */
export interface TurnEnd<Servers extends Kept> {
  readonly outcome: CellOutcome;
  readonly kept: Servers | null;
}

/** Does what the scheduler decides. */
export interface Runner<Servers extends Kept> {
  /** Runs one cell on its nodes, start to teardown. */
  run(turn: Turn<Servers>): Promise<TurnEnd<Servers>>;
  /** Leaves evidence of a cell that is not launched after all. */
  refuse(planned: PlannedCell, skip: Skip): Promise<void>;
}

interface Waiting {
  readonly planned: PlannedCell;
  readonly hosts: RoleHosts;
  readonly hold: NodeHold;
  readonly settle: (outcome: CellOutcome | Promise<never>) => void;
}

/**
 * Gives cells their turns in the order in which they were asked for; cells
 * on disjoint nodes run at the same time, cells that share a node only when all of them allow it.
 * A cell that finds the servers it needs on its nodes takes them over from the one before.
 */
export class Scheduler<Servers extends Kept = Kept> {
  readonly #runner: Runner<Servers>;
  readonly #locks: NodeLocks;
  readonly #stopListening: () => void;
  readonly #canaries = new Canaries();
  #waiting: readonly Waiting[] = [];
  #isClosed = false;

  /** `locks` are those of everything in this process that may launch on the same nodes. */
  constructor(runner: Runner<Servers>, locks = new NodeLocks()) {
    this.#runner = runner;
    this.#locks = locks;
    this.#stopListening = locks.onRelease(() => this.#startWhatFits());
  }

  /** Launches a cell when its turn comes, and settles with what became of it. */
  launch(planned: PlannedCell): Promise<CellOutcome> {
    if (this.#isClosed) return Promise.resolve(NOT_RUN);
    const { binding, skip, cell } = planned;
    if (skip !== null) return Promise.resolve({ state: 'skipped', reason: skip.detail });
    if (binding.state === 'unbound') throw new Error(`${cell.key} is on no node, and not skipped`);
    const { hosts } = binding;
    const hold = { nodes: [...new Set(Object.values(hosts).flat())], isExclusive: cell.workload.exclusive };
    return new Promise((settle) => {
      this.#waiting = [...this.#waiting, { planned, hosts, hold, settle }];
      this.#startWhatFits();
    });
  }

  /** Takes back the turns that have not come; later ones may. */
  withdraw(): void {
    for (const { settle } of this.#waiting) settle(NOT_RUN);
    this.#waiting = [];
  }

  /** Lets a config whose canary failed send one ahead again. */
  beginPass(): void {
    this.#canaries.forgive();
  }

  /** Starts nothing any more: cells that wait for a node are not run, and so are all later ones. */
  close(): void {
    this.#isClosed = true;
    this.#stopListening();
    this.withdraw();
  }

  // A waiting cell keeps its nodes from the ones behind it: a cell that needs
  // many nodes is not overtaken for ever by small ones. One that waits for its
  // canary waits for no node.
  #startWhatFits(): void {
    const claimed = this.#locks.copy();
    const still: Waiting[] = [];
    const starting: Waiting[] = [];
    for (const entry of this.#waiting) {
      const canary = this.#canaries.ask(entry.planned);
      if (canary.say === 'no') {
        void this.#refuse(entry, canary.detail);
        continue;
      }
      const mayStart = canary.say === 'go' && claimed.isFree(entry.hold);
      if (mayStart) {
        this.#canaries.started(entry.planned);
        starting.push(entry);
      } else still.push(entry);
      if (canary.say === 'go') claimed.take(entry.hold);
    }
    this.#waiting = still;
    for (const entry of starting) this.#start(entry);
  }

  async #refuse({ planned, settle }: Waiting, detail: string): Promise<void> {
    // Its evidence is worth a try; the cell is not launched whatever becomes of it.
    await this.#runner.refuse(planned, { reason: 'canary_failed', detail }).catch(() => undefined);
    settle({ state: 'skipped', reason: detail });
  }

  #start(entry: Waiting): void {
    this.#locks.take(entry.hold);
    void this.#takeTurns(entry).finally(() => this.#locks.release(entry.hold));
  }

  /** Runs a cell, and those after it that can use its servers, on the nodes that are taken. */
  async #takeTurns(first: Waiting): Promise<void> {
    let before: Servers | null = null;
    let current: Waiting | null = first;
    while (current !== null) {
      before = await this.#turn(current, before);
      current = before === null ? null : this.#takeSuccessor(current);
    }
    await before?.close().catch(() => undefined);
  }

  async #turn(entry: Waiting, before: Servers | null): Promise<Servers | null> {
    const { planned, hosts, settle } = entry;
    try {
      const mayKeep = (): boolean => this.#successorOf(entry) !== null;
      const behind = (): readonly PlannedCell[] => this.#behind(entry);
      const { outcome, kept } = await this.#runner.run({ planned, hosts, before, mayKeep, behind });
      this.#ended(planned, outcome);
      settle(outcome);
      return kept;
    } catch (thrown) {
      this.#ended(planned, NOT_RUN);
      settle(Promise.reject(thrown));
      await before?.close().catch(() => undefined);
      return null;
    }
  }

  // The end of a canary lets others go that wait for no node.
  #ended(planned: PlannedCell, outcome: CellOutcome): void {
    if (this.#canaries.ended(planned, outcome)) this.#startWhatFits();
  }

  #behind(entry: Waiting): readonly PlannedCell[] {
    const { hold, hosts } = entry;
    const onThese = this.#waiting.filter((other) => sharesNode(other.hold, hold));
    const first = onThese.findIndex((other) => JSON.stringify(other.hosts) !== JSON.stringify(hosts));
    return onThese.slice(0, first === -1 ? undefined : first).map(({ planned }) => planned);
  }

  #takeSuccessor(entry: Waiting): Waiting | null {
    const next = this.#successorOf(entry);
    // By now the canary of its config may run elsewhere.
    if (next === null || this.#canaries.ask(next.planned).say !== 'go') return null;
    this.#waiting = this.#waiting.filter((waiting) => waiting !== next);
    this.#canaries.started(next.planned);
    return next;
  }

  /** The next cell on these nodes, if it may take over the servers of this one. */
  #successorOf({ planned, hosts, hold }: Waiting): Waiting | null {
    const next = this.#waiting.find((waiting) => sharesNode(waiting.hold, hold));
    if (next === undefined || this.#canaries.ask(next.planned).say === 'no') return null;
    return canTakeOver({ planned, hosts }, next) ? next : null;
  }
}

function sharesNode(one: NodeHold, other: NodeHold): boolean {
  return one.nodes.some((node) => other.nodes.includes(node));
}

// Whether they are launched the same way only the adapter can tell; here what must be the same at the least.
function canTakeOver(one: Pick<Waiting, 'planned' | 'hosts'>, next: Pick<Waiting, 'planned' | 'hosts'>): boolean {
  const [a, b] = [one.planned.cell.workload, next.planned.cell.workload];
  const shared = (workload: typeof a): string =>
    JSON.stringify([workload.framework, workload.container, workload.secrets, workload.exclusive, workload.timeouts]);
  return (
    a.reuse_server &&
    JSON.stringify(one.planned.cell.topology) === JSON.stringify(next.planned.cell.topology) &&
    b.reuse_server &&
    shared(a) === shared(b) &&
    JSON.stringify(one.hosts) === JSON.stringify(next.hosts)
  );
}
