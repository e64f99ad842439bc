import type { Vitest } from 'vitest/node';
import { paint } from '../screen/paint.ts';
import { printLine } from '../screen/print.ts';
import { processStopper } from './process-stopper.ts';

/** What Vitest allows for its own end when nobody says otherwise, milliseconds. */
const CLOSE_MS = 10_000;

let isAnyLost = false;

/** Takes note of an error that says that a worker of Vitest's is gone; answers whether it says so. */
export function noteLostWorker({ message }: { readonly message: string }): boolean {
  const isLost = message.startsWith('[vitest-pool]: ');
  isAnyLost ||= isLost;
  return isLost;
}

/**
 * Sees to it that a `vitest run` which lost a worker closes a session when it closes, and ends soon after the last one
 * is. Of a worker that was killed while it started, Vitest 4.1 awaits the start for a minute, and then as long as
 * `teardownTimeout`, which is long for the sake of our runs. Vitest 5 awaits its end for ever, before it calls any hook
 * of `onClose`.
 */
export function endWithoutWorkers(vitest: Vitest, closeSession: () => Promise<void>): void {
  if (vitest.config.watch) return;
  const close = vitest.close.bind(vitest);
  vitest.close = () => {
    if (isAnyLost) void closeSession().then(() => leaveSoon(vitest));
    return close();
  };
}

function leaveSoon(vitest: Vitest): void {
  if (processStopper.hasSessions) return;
  setTimeout(() => {
    printLine(vitest, ` ${paint('yellow', '■')} a worker of Vitest is gone and still waited for: leaving without it`);
    process.exit();
  }, CLOSE_MS).unref();
}
