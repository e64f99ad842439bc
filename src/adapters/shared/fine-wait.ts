import { setTimeout as sleep } from 'node:timers/promises';

// How late a timer may wake, on top of the fraction of a millisecond it cannot count.
const timerSlackMs = 0.25;
// The longest stretch in which no socket is read, and how late the kernel may wake from it.
const napMs = 0.1;
const napSlackMs = 0.06;

const never = new Int32Array(new SharedArrayBuffer(4));

/**
 * Waits until `performance.now()` reaches the deadline, or the signal aborts.
 *
 * A timer counts whole milliseconds, so on its own it would make every
 * scheduled request up to 1 ms late. It covers all but the last stretch, which
 * goes by in turns of the event loop: each polls the sockets, so an answer
 * waits no longer than a nap to get its time. Turns without naps are as exact,
 * but keep a core busy that the server may need, and leave so much garbage that
 * collecting it disturbs the very times they are for. A deadline in the past
 * still gives the sockets one turn, or a burst of overdue requests would starve
 * them.
 */
export async function waitUntil(deadlineMs: number, signal: AbortSignal): Promise<void> {
  const timerMs = Math.floor(deadlineMs - performance.now() - timerSlackMs);
  if (timerMs >= 1) await sleep(timerMs, undefined, { signal }).catch(() => undefined);
  await new Promise<void>((resolve) => {
    const turn = (): void => {
      const leftMs = deadlineMs - performance.now();
      if (leftMs <= 0 || signal.aborted) return resolve();
      if (leftMs > napSlackMs) Atomics.wait(never, 0, 0, Math.min(leftMs - napSlackMs, napMs));
      setImmediate(turn);
    };
    setImmediate(turn);
  });
}
