import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

/**
 * Calls back for every JSON line of a stream, until it ends. An error of the
 * stream ends the lines quietly: `close` follows, and that is where its owner reacts.
 */
export function onJsonLine(input: Readable, listener: (message: unknown) => void): void {
  const lines = createInterface({ input });
  // Without a listener of its own, readline throws the error of its input.
  lines.on('error', () => undefined);
  lines.on('line', (line) => listener(JSON.parse(line)));
}

/** A message as one line. */
export function jsonLine(message: unknown): string {
  return `${JSON.stringify(message)}\n`;
}
