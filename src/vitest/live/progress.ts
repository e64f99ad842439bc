import type { Vitest } from 'vitest/node';
import type { SessionEvent } from '../../session/events.ts';
import type { PlannedClaim } from '../../session/planned-claim.ts';
import { LiveBoard } from './live-board.ts';
import type { BoardSource } from './live-board.ts';
import { liveScreenOf } from './live-screen.ts';
import { PlainProgress } from './plain-progress.ts';
import { printLine, streamForPeople } from '../screen/print.ts';
import { lastingLines } from './progress-lines.ts';

/** Shows cells while they run: in a window at the bottom of a terminal, in plain lines elsewhere. */
export interface LiveProgress {
  /** A pass begins. */
  start(): void;
  onEvent(event: SessionEvent): void;
  /** The pass is over: what is printed now stays as it is. */
  stop(): void;
}

/** What the display asks of its session. */
export interface ProgressSource extends BoardSource {
  /** The claims of the pass that begins. */
  readonly selected: () => readonly PlannedClaim[];
  readonly cells: BoardSource['cells'] & { readonly beginPass: () => void };
}

/**
 * The live display of one session; all sessions of a Vitest share its window. To be made in `configureVitest`, for it
 * counts the tests as a reporter does.
 */
export function liveProgress(vitest: Vitest, source: ProgressSource): LiveProgress {
  const screen = liveScreenOf(vitest);
  const stream = streamForPeople(vitest);
  const board = new LiveBoard(source);
  const printer = {
    print: (line: string) => printLine(vitest, screen.isMidLine ? `\n${line}` : line),
    // A log keeps each record in one line.
    columns: () => (stream.isTTY ? stream.columns || 80 : Infinity),
  };
  const plain = new PlainProgress(board, printer);
  return {
    start: () => {
      source.cells.beginPass();
      board.begin(cellsOf(source.selected(), screen.files));
      screen.begin(board);
      if (!screen.isShown) plain.start();
    },
    onEvent: (event) => {
      const tookMs = event.type === 'ended' ? (board.runningCell(event.planned.cell.key)?.elapsedMs ?? null) : null;
      board.onEvent(event);
      for (const line of lastingLines(event, tookMs, printer.columns())) printer.print(line);
      if (screen.isShown) screen.refresh();
      else plain.onEvent(event);
    },
    stop: () => {
      plain.stop();
      screen.end(board);
    },
  };
}

/** The cells that the claims of some files are about and that are not skipped from the start. */
function cellsOf(claims: readonly PlannedClaim[], files: ReadonlySet<string>): Iterable<PlannedClaim['planned']> {
  return new Set(
    claims.filter(({ claim, planned }) => planned.skip === null && files.has(claim.file)).map(({ planned }) => planned),
  );
}
