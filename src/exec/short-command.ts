import type { Readable } from 'node:stream';

// A pipe holds so little that what the command itself printed is read long before.
const DRAIN_MS = 500;

// SIGKILL comes five seconds after SIGTERM: what is there later is stuck in the kernel.
const KILLED_MS = 10_000;

/** A command that execa has started and ends after `timeoutMs`, or when the signal is aborted. */
interface ShortCommand<Result> extends PromiseLike<Result> {
  readonly stdout: Readable;
  readonly stderr: Readable;
  once(event: 'exit', listener: () => void): unknown;
  unref(): void;
}

interface Limits {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** How long its end may take once it was asked for. Default: 10 s. */
  readonly killedMs?: number;
}

/**
 * What became of a short command, though something that it has left behind goes on to hold its pipes; null for a
 * command that does not end, not even when it is killed. Rejects as execa does.
 */
export async function resultOf<Result>(command: ShortCommand<Result>, limits: Limits): Promise<Result | null> {
  const { timeoutMs, signal, killedMs = KILLED_MS } = limits;
  const letGo = (): void => [command.stdout, command.stderr].forEach((stream) => stream.destroy());
  const timers: NodeJS.Timeout[] = [];
  const later = (delayMs: number, act: () => void): void => void timers.push(setTimeout(act, delayMs));
  let giveUp = (): void => undefined;
  const stuck = new Promise<null>((resolve) => (giveUp = () => resolve(null)));
  const onAbort = (): void => later(killedMs, giveUp);
  // A busy event loop comes to the timer before it has read what was there: one more turn reads it.
  command.once('exit', () => later(DRAIN_MS, () => setImmediate(letGo)));
  later(timeoutMs + killedMs, giveUp);
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    const result = await Promise.race([command, stuck]);
    if (result === null) {
      letGo();
      command.unref();
    }
    return result;
  } finally {
    signal?.removeEventListener('abort', onAbort);
    timers.forEach(clearTimeout);
  }
}
