import type { Progress } from '../../lifecycle/adapter.ts';
import type { SessionEvent } from '../../session/events.ts';
import type { PlannedCell } from '../../session/plan.ts';
import { remainingMs } from './eta.ts';
import type { Counted } from './eta.ts';
import type { LiveCells } from './live-cells.ts';

/** A cell under way, as it is at one moment. */
export interface RunningCell {
  readonly framework: string;
  readonly name: string;
  /** What is being done: a phase, or `start` before the first. */
  readonly phase: string;
  readonly elapsedMs: number;
  /** Null before anything of this phase was counted. */
  readonly progress: Progress | null;
  readonly remainingMs: number | null;
}

/** Cells that have not begun to work. */
export interface WaitingCells {
  /** `waiting for localhost`, or `to come` where no claim has asked for them yet. */
  readonly what: string;
  readonly count: number;
}

/** What the board asks of the session. */
export interface BoardSource {
  /** How long a cell takes as a rule, in seconds; null where no earlier run tells. */
  readonly estimateS: (planned: PlannedCell) => number | null;
  /** Which cells are asked for, and which of them are settled. */
  readonly cells: Pick<LiveCells, 'asked' | 'settled'>;
}

interface Run {
  readonly planned: PlannedCell;
  readonly phase: string;
  /** When the work began: a wait for nodes is none. */
  readonly sinceMs: number;
  readonly usualMs: number | null;
  readonly waitsFor: string | null;
  readonly progress: Progress | null;
  /** Where counting began. */
  readonly counting: { readonly sinceMs: number; readonly from: number } | null;
}

const TO_COME = 'to come';

/** The phases whose end is the end of the load. */
const BEFORE_THE_END: ReadonlySet<string> = new Set(['start', 'prepare', 'launch', 'await']);

/** The cells of one session at this moment: what runs, what waits, what is done. */
export class LiveBoard {
  readonly #source: BoardSource;
  readonly #runs = new Map<string, Run>();
  /** The keys of cells that ran to their end in this pass: their outcome may be told only when their servers are gone. */
  readonly #ended = new Set<string>();
  #cells: ReadonlyMap<string, PlannedCell> = new Map();

  constructor(source: BoardSource) {
    this.#source = source;
  }

  /** Takes the cells that a pass is about. */
  begin(cells: Iterable<PlannedCell>): void {
    this.#ended.clear();
    this.#cells = new Map([...cells].map((planned) => [planned.cell.key, planned]));
  }

  onEvent(event: SessionEvent): void {
    if (event.type === 'reaped') return;
    const { planned } = event;
    const run = this.#runs.get(planned.cell.key);
    if (event.type === 'started') this.#set(this.#start(planned));
    else if (event.type === 'ended') this.#end(planned.cell.key);
    else if (run === undefined) return;
    else if (event.type === 'waiting') this.#set({ ...run, waitsFor: event.what });
    else if (event.type === 'phase') this.#set(enter(run, event.phase));
    else if (event.type === 'progress') this.#set(count(run, event.progress));
  }

  /** The cells that work, in the order in which they were started. */
  running(): readonly RunningCell[] {
    return [...this.#runs.values()].filter(({ waitsFor }) => waitsFor === null).map(asItIs);
  }

  /** A cell that works; undefined for any other. */
  runningCell(key: string): RunningCell | undefined {
    const run = this.#runs.get(key);
    return run === undefined || run.waitsFor !== null ? undefined : asItIs(run);
  }

  /** What the cells that neither work nor are done wait for, those first that most cells wait for. */
  waiting(): readonly WaitingCells[] {
    const waits: WaitingCells[] = [];
    const add = (what: string): void => void waits.push({ what, count: 1 });
    for (const { waitsFor } of this.#runs.values()) if (waitsFor !== null) add(`waiting: ${waitsFor}`);
    const asked = new Set(this.#source.cells.asked());
    for (const [key, planned] of this.#cells) {
      if (this.#runs.has(key) || this.#isDone(key)) continue;
      add(asked.has(key) ? `waiting for ${nodesOf(planned)}` : TO_COME);
    }
    return gathered(waits);
  }

  /** How many of the pass's cells are done. */
  tally(): { readonly done: number; readonly total: number } {
    const done = [...this.#cells.keys()].filter((key) => this.#isDone(key)).length;
    return { done, total: this.#cells.size };
  }

  #isDone(key: string): boolean {
    return !this.#runs.has(key) && (this.#ended.has(key) || this.#source.cells.settled.has(key));
  }

  #end(key: string): void {
    this.#runs.delete(key);
    this.#ended.add(key);
  }

  #set(run: Run): void {
    this.#runs.set(run.planned.cell.key, run);
  }

  #start(planned: PlannedCell): Run {
    const usualS = this.#source.estimateS(planned);
    return {
      planned,
      phase: 'start',
      sinceMs: performance.now(),
      usualMs: usualS === null ? null : usualS * 1000,
      waitsFor: null,
      progress: null,
      counting: null,
    };
  }
}

/** What cells of one or several sessions wait for, the same in one: most cells first, at the end those that do not wait yet. */
export function gathered(waits: readonly WaitingCells[]): readonly WaitingCells[] {
  const counts = new Map<string, number>();
  for (const { what, count: more } of waits) counts.set(what, (counts.get(what) ?? 0) + more);
  const all = [...counts].map(([what, sum]) => ({ what, count: sum }));
  return all.sort((a, b) => Number(a.what === TO_COME) - Number(b.what === TO_COME) || b.count - a.count);
}

function enter(run: Run, phase: string): Run {
  const sinceMs = run.waitsFor === null ? run.sinceMs : performance.now();
  return { ...run, phase, sinceMs, waitsFor: null, progress: null, counting: null };
}

function count(run: Run, progress: Progress): Run {
  const { progress: last, counting } = run;
  const goesOn = last !== null && last.unit === progress.unit && last.done <= progress.done;
  const from = { sinceMs: performance.now(), from: progress.done };
  return { ...run, progress, counting: goesOn && counting !== null ? counting : from };
}

function asItIs(run: Run): RunningCell {
  const { planned, phase, progress, sinceMs, usualMs } = run;
  const { cellId: name, workload } = planned.cell;
  const elapsedMs = performance.now() - sinceMs;
  const isToCome = BEFORE_THE_END.has(phase);
  return {
    framework: workload.framework,
    name,
    phase,
    elapsedMs,
    progress,
    remainingMs: isToCome ? remainingMs({ elapsedMs, usualMs, counted: countedOf(run) }) : null,
  };
}

function countedOf({ counting, progress }: Run): Counted | null {
  if (counting === null || progress === null) return null;
  const { done, total } = progress;
  return { forMs: performance.now() - counting.sinceMs, from: counting.from, done, total };
}

const NODES_NAMED = 3;

function nodesOf({ binding }: PlannedCell): string {
  if (binding.state === 'unbound') return 'nodes';
  const nodes = [...new Set(Object.values(binding.hosts).flat())];
  const more = nodes.length - NODES_NAMED;
  return `${nodes.slice(0, NODES_NAMED).join(' ')}${more > 0 ? ` and ${more} more` : ''}`;
}
