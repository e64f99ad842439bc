import type { SessionEvent } from '../../session/events.ts';
import type { LiveBoard } from './live-board.ts';
import { runningLines, waitLines } from './progress-lines.ts';

const TICK_MS = 1000;

/** How often a cell is told of again, by how long it has been under way: a log of hours must stay readable. */
const PERIODS: readonly { readonly untilMs: number; readonly everyMs: number }[] = [
  { untilMs: 60_000, everyMs: 10_000 },
  { untilMs: 600_000, everyMs: 30_000 },
  { untilMs: Infinity, everyMs: 60_000 },
];

/** Of more cells at a time each is told of more rarely. */
const CELLS_AT_FULL_RATE = 8;

/** The phases that take their time. */
const LONG_PHASES: ReadonlySet<string> = new Set(['launch', 'await']);

/** Where a text goes, and how wide it may be there. */
export interface LinePrinter {
  readonly print: (line: string) => void;
  readonly columns: () => number;
}

/**
 * Tells how cells get on where no window can: a line when a long phase begins, one from time to time while it lasts,
 * and one whenever a cell waits for something else.
 */
export class PlainProgress {
  readonly #board: LiveBoard;
  readonly #printer: LinePrinter;
  /** When each cell under way was last told of. */
  readonly #toldMs = new Map<string, number>();
  /** What each waiting cell was last said to wait for. */
  readonly #waits = new Map<string, string>();
  #tick: NodeJS.Timeout | undefined;

  constructor(board: LiveBoard, printer: LinePrinter) {
    this.#board = board;
    this.#printer = printer;
  }

  start(): void {
    this.#tick ??= setInterval(() => this.#tellWhatIsDue(), TICK_MS).unref();
  }

  stop(): void {
    clearInterval(this.#tick);
    this.#tick = undefined;
  }

  /** To be called when the board knows of the event. */
  onEvent(event: SessionEvent): void {
    if (event.type === 'reaped') return;
    const { key, cellId } = event.planned.cell;
    if (event.type === 'waiting') this.#wait(key, cellId, event.what);
    else if (event.type === 'started' || event.type === 'ended') this.#forget(key);
    else if (event.type === 'phase') {
      this.#waits.delete(key);
      if (LONG_PHASES.has(event.phase)) this.#tell(key);
    }
  }

  #wait(key: string, name: string, what: string): void {
    if (this.#waits.get(key) === what) return;
    this.#waits.set(key, what);
    this.#print(waitLines(name, what, this.#printer.columns()));
  }

  #forget(key: string): void {
    this.#toldMs.delete(key);
    this.#waits.delete(key);
  }

  #tellWhatIsDue(): void {
    const load = Math.max(1, this.#toldMs.size / CELLS_AT_FULL_RATE);
    for (const [key, toldMs] of this.#toldMs) {
      const elapsedMs = this.#board.runningCell(key)?.elapsedMs ?? 0;
      const everyMs = PERIODS.find(({ untilMs }) => elapsedMs < untilMs)?.everyMs ?? 0;
      if (performance.now() - toldMs >= everyMs * load) this.#tell(key);
    }
  }

  #tell(key: string): void {
    const cell = this.#board.runningCell(key);
    if (cell === undefined) return;
    this.#toldMs.set(key, performance.now());
    this.#print(runningLines(cell, this.#printer.columns()));
  }

  #print(lines: readonly string[]): void {
    for (const line of lines) this.#printer.print(line);
  }
}
