import { formatDuration } from '../../core/units.ts';
import type { SessionEvent } from '../../session/events.ts';
import { NOT_RUN } from '../../session/scheduler.ts';

/** A cell that holds something which must be given back: a phase, or a wait for its nodes. */
export interface LiveCell {
  readonly name: string;
  readonly stage: string;
  /** How long it has been at that stage. */
  readonly forMs: number;
}

interface Stage {
  readonly name: string;
  readonly stage: string;
  readonly sinceMs: number;
}

/** Which cells of a session are asked for and not over yet, and how far each of them has come. */
export class LiveCells {
  readonly #asked = new Map<string, number>();
  readonly #settled = new Set<string>();
  readonly #stages = new Map<string, Stage>();
  readonly #onChange: () => void;

  /** `onChange` is called whenever a cell comes or goes. */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** Whether any cell is asked for and has no outcome yet. */
  get isBusy(): boolean {
    return this.#asked.size > 0;
  }

  /** The keys of the cells that are asked for and have no outcome yet. */
  asked(): Iterable<string> {
    return this.#asked.keys();
  }

  /** The keys of the cells that had an outcome in this pass. */
  get settled(): ReadonlySet<string> {
    return this.#settled;
  }

  /** From now on a cell counts as settled when it is asked for and settles again. */
  beginPass(): void {
    this.#settled.clear();
  }

  /** The cells that were started or wait for something, oldest first. */
  list(): readonly LiveCell[] {
    const now = performance.now();
    return [...this.#stages.values()].map(({ name, stage, sinceMs }) => ({ name, stage, forMs: now - sinceMs }));
  }

  /** Asks for a cell, which is under way until its outcome is there. */
  async track<Outcome>(key: string, request: () => Promise<Outcome>): Promise<Outcome> {
    this.#asked.set(key, (this.#asked.get(key) ?? 0) + 1);
    this.#onChange();
    let outcome: Outcome | undefined;
    try {
      outcome = await request();
      return outcome;
    } finally {
      // A cell whose turn never came is not done.
      if (outcome !== NOT_RUN) this.#settled.add(key);
      const others = (this.#asked.get(key) ?? 0) - 1;
      if (others > 0) this.#asked.set(key, others);
      else this.#forget(key);
      this.#onChange();
    }
  }

  onEvent(event: SessionEvent): void {
    if (!isStage(event)) return;
    const { key, cellId: name } = event.planned.cell;
    const sinceMs = performance.now();
    if (event.type === 'ended') this.#stages.delete(key);
    else if (event.type === 'phase') this.#stages.set(key, { name, stage: event.phase, sinceMs });
    else if (event.type === 'started') this.#stages.set(key, { name, stage: 'start', sinceMs });
    else if (this.#stages.get(key)?.stage !== 'waiting') this.#stages.set(key, { name, stage: 'waiting', sinceMs });
    if (event.type === 'ended') this.#onChange();
  }

  #forget(key: string): void {
    this.#asked.delete(key);
    // A cell that was given up while it waited has no other end.
    this.#stages.delete(key);
  }
}

type StageEvent = Extract<SessionEvent, { readonly type: 'started' | 'waiting' | 'phase' | 'ended' }>;

function isStage(event: SessionEvent): event is StageEvent {
  return ['started', 'waiting', 'phase', 'ended'].includes(event.type);
}

const NAMED = 6;

/** `balanced-conc4 (await, 12 s), balanced-conc2 (launch, 3 s)`: the first few by name. */
export function describeLive(cells: readonly LiveCell[]): string {
  const named = cells.slice(0, NAMED).map(({ name, stage, forMs }) => `${name} (${stage}, ${inSeconds(forMs)})`);
  const more = cells.length > NAMED ? [`${cells.length - NAMED} more`] : [];
  return [...named, ...more].join(', ');
}

// A wait needs no tenths.
function inSeconds(ms: number): string {
  return ms < 10_000 ? `${Math.floor(ms / 1000)} s` : formatDuration(ms);
}
