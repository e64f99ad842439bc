import type { Vitest } from 'vitest/node';
import { gathered } from './live-board.ts';
import type { LiveBoard } from './live-board.ts';
import { liveRows } from './live-rows.ts';
import { LiveWindow } from './live-window.ts';
import type { WindowSize } from './live-window.ts';
import { streamForPeople } from '../screen/print.ts';
import { TestTally } from './test-tally.ts';

/** How the reporters that draw a window of their own on a terminal are told to leave that. */
const WITHOUT_WINDOW: ReadonlyMap<unknown, object> = new Map([
  ['default', { summary: false }],
  ['verbose', { summary: false }],
  ['tree', { summary: false }],
  ['dot', { isTTY: false }],
]);

const owned = new WeakSet<Vitest['config']>();

/**
 * Takes the bottom of the terminal from Vitest's own reporters, for two windows would tear each other. To be called in
 * `configureVitest`, and only where there are cells to be shown: without a call Vitest's display is as ever.
 */
export function ownTheScreen(vitest: Vitest): void {
  if (!isTerminal(streamForPeople(vitest))) return;
  owned.add(vitest.config);
  const { reporters } = vitest.config;
  for (const [at, entry] of reporters.entries()) {
    const [name, options] = Array.isArray(entry) ? (entry as [unknown, object?]) : [];
    const changed = WITHOUT_WINDOW.get(name);
    if (changed !== undefined) reporters[at] = [name, { ...options, ...changed }] as never;
  }
}

// A restart in watch mode keeps the Vitest object, and has a config and reporters of its own.
const screens = new WeakMap<Vitest['config'], LiveScreen>();

/** The one live window of a Vitest, whichever sessions it has. */
export function liveScreenOf(vitest: Vitest): LiveScreen {
  const known = screens.get(vitest.config) ?? new LiveScreen(vitest);
  screens.set(vitest.config, known);
  return known;
}

/** Shows the cells of all sessions of a Vitest in one window, while any of them is in a pass. */
export class LiveScreen {
  readonly #config: Vitest['config'];
  readonly #window: LiveWindow;
  readonly #stream: NodeJS.WriteStream;
  readonly #boards = new Set<LiveBoard>();
  readonly #tally: TestTally;
  #startedMs = 0;

  constructor(vitest: Vitest) {
    const { outputStream, errorStream } = vitest.logger;
    this.#config = vitest.config;
    this.#stream = streamForPeople(vitest);
    const streams = [outputStream, errorStream, process.stdout, process.stderr] as NodeJS.WriteStream[];
    this.#window = new LiveWindow({
      screen: this.#stream,
      others: streams.filter(({ isTTY }) => isTTY),
      content: (size) => this.#rows(size),
    });
    this.#tally = new TestTally(this.refresh);
    vitest.config.reporters.push(this.#tally as never);
    vitest.onClose(this.#window.hide);
  }

  /** Whether the cells are shown in a window at this moment. */
  get isShown(): boolean {
    return this.#window.isShown;
  }

  /** Whether others have begun a line above the window and not ended it, as the dot reporter does. */
  get isMidLine(): boolean {
    return this.#window.isMidLine;
  }

  /** Absolute paths of the test files of this pass. */
  get files(): ReadonlySet<string> {
    return this.#tally.files;
  }

  /**
   * Shows the cells of a board from now on, if this is a terminal and nobody else draws on it. Without any cell there is
   * a window only where Vitest's own was taken away.
   */
  begin(board: LiveBoard): void {
    this.#boards.add(board);
    const isWanted = board.tally().total > 0 || owned.has(this.#config);
    if (this.isShown || !isWanted || !isTerminal(this.#stream) || isTakenOver(this.#stream)) return;
    this.#startedMs = performance.now();
    this.#window.show();
  }

  /** Shows them no longer; the last one takes the window along. */
  end(board: LiveBoard): void {
    this.#boards.delete(board);
    if (this.#boards.size === 0) this.#window.hide();
  }

  /** To be called when something changed. */
  readonly refresh = (): void => this.#window.refresh();

  #rows(size: WindowSize): readonly string[] {
    const boards = [...this.#boards];
    const tallies = boards.map((board) => board.tally());
    const state = {
      running: boards.flatMap((board) => board.running()),
      waiting: gathered(boards.flatMap((board) => board.waiting())),
      cells: {
        done: tallies.reduce((sum, { done }) => sum + done, 0),
        total: tallies.reduce((sum, { total }) => sum + total, 0),
      },
      tests: this.#tally.counts,
      elapsedMs: performance.now() - this.#startedMs,
    };
    return liveRows(state, size);
  }
}

function isTerminal({ isTTY }: NodeJS.WriteStream): boolean {
  const { CI = '', TERM } = process.env;
  return isTTY && TERM !== 'dumb' && ['', '0', 'false'].includes(CI);
}

/** Whether somebody else stands between the stream and its terminal, as Vitest's own window does. */
function isTakenOver(stream: NodeJS.WriteStream): boolean {
  return stream.write !== (Object.getPrototypeOf(stream) as NodeJS.WriteStream).write;
}
