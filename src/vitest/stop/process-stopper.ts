import { LISTENING, PARENT_CHANNEL } from '../../core/parent-channel.ts';
import type { ParentSignal, StopSignal } from '../../core/parent-channel.ts';
import { Stopper } from './stopper.ts';

/** What stops the sessions of this process: signals are its own, not those of one Vitest. */
export const processStopper = new Stopper({
  signals: process,
  // Vitest reads keys in watch mode alone; a terminal that reads keys sends no signal for Ctrl-C.
  keys: () => (process.stdin.isTTY ? process.stdin : null),
  isTerminal: () => process.stdout.isTTY,
  endWith: (code) =>
    void process.once('exit', () => {
      // Vitest says 1 of every run that was cut short.
      process.exitCode = code;
    }),
  // A third press leaves at once.
  forcedMs: 15_000,
  leave: (code) => process.exit(code),
});

/**
 * Hears of the signals and of the death of `assay run`, where that started this process. Does nothing when called again.
 */
export function listenToParent(): void {
  if (process.env[PARENT_CHANNEL] === undefined || process.send === undefined) return;
  delete process.env[PARENT_CHANNEL];
  process.on('message', (message) => {
    const { signal } = message as ParentSignal;
    if (!processStopper.hear(signal, 'parent')) leaveAsVitestDoes(signal);
  });
  process.once('disconnect', () => {
    if (!processStopper.orphaned()) leaveAsVitestDoes('SIGTERM');
  });
  // Listening must not keep Vitest alive.
  process.channel?.unref();
  process.send(LISTENING);
}

function leaveAsVitestDoes(signal: StopSignal): void {
  process.kill(process.pid, signal);
}
