import { setImmediate } from 'node:timers/promises';
import { clip } from '../core/display-width.ts';

/** Says how many pieces of a work are done, and of how many; null where nobody knows. */
export type Tick = (done: number, total: number | null) => void;

// A screen that changes more often is not read.
const REDRAW_MS = 100;
// In a log every line stays: none for what is done in a moment.
const LOG_AFTER_MS = 1000;
const LOG_EVERY_MS = 5000;

/**
 * Shows on stderr what is being worked out: on a terminal a line that is taken away again, elsewhere a line now and
 * then with how far the work is, where it says so and takes longer than a second.
 */
export async function withProgress<Result>(what: string, work: (tick: Tick) => Promise<Result>): Promise<Result> {
  const { stderr } = process;
  if (!stderr.isTTY) return work(every(LOG_EVERY_MS, LOG_AFTER_MS, (count) => stderr.write(` ${what} ${count} ...\n`)));
  const draw = (text: string): boolean => stderr.write(`\r\u001B[K${clip(` ${text} ...`, (stderr.columns || 80) - 1)}`);
  draw(what);
  try {
    return await work(every(REDRAW_MS, 0, (count) => draw(`${what} ${count}`)));
  } finally {
    stderr.write('\r\u001B[K');
  }
}

function every(intervalMs: number, afterMs: number, print: (count: string) => unknown): Tick {
  let nextMs = performance.now() + afterMs;
  return (done, total) => {
    const now = performance.now();
    // What nothing is left of is told by its result.
    if (now < nextMs || done === total) return;
    nextMs = now + intervalMs;
    print(total === null ? String(done) : `${done}/${total}`);
  };
}

/** What shells expect of a command that Ctrl-C ended. */
export const INTERRUPTED = 130;

/** What came of work that the user may stop. */
interface Stoppable<Result> {
  readonly result: Result;
  /** Whether Ctrl-C left some of it undone. */
  readonly isStopped: boolean;
}

/**
 * Does work that ends between two of its pieces once its signal is aborted, which Ctrl-C does. A second Ctrl-C ends
 * the process at once.
 */
export async function untilInterrupted<Result>(
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Stoppable<Result>> {
  const stopping = new AbortController();
  const stop = (): void => stopping.abort();
  process.once('SIGINT', stop);
  try {
    const result = await work(stopping.signal);
    return { result, isStopped: stopping.signal.aborted };
  } finally {
    process.removeListener('SIGINT', stop);
  }
}

/** Works on one item after the other, shows how far it is, and begins no further one once Ctrl-C was pressed. */
export function inTurn<Item, Result>(
  what: string,
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Stoppable<readonly Result[]>> {
  return untilInterrupted((signal) =>
    withProgress(what, async (tick) => {
      const results: Result[] = [];
      for (const item of items) {
        tick(results.length, items.length);
        // Else work that never waits would not hear of Ctrl-C.
        await setImmediate();
        if (signal.aborted) break;
        results.push(await work(item));
      }
      return results;
    }),
  );
}
