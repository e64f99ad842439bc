import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import type { Command } from './executor.ts';
import type { Exit } from './exit.ts';

const KEPT_CHARACTERS = 4000;

/** A command of this machine that carries a script to a host. */
export interface Client {
  readonly child: ChildProcessWithoutNullStreams;
  /** How the command itself ended; its output may still be on the way. */
  readonly ended: Promise<Exit>;
}

/** Starts a carrying command, out of reach of Ctrl-C in the terminal: it is ended in order. */
export function startClient({ file, args, env }: Command): Client {
  const child = spawn(file, args, { env: { ...process.env, ...env }, detached: true });
  // Its end is what counts, not that it no longer listens.
  child.stdin.on('error', () => undefined);
  const ended = new Promise<Exit>((resolve) => {
    child.on('error', ({ message }) => resolve({ kind: 'lost', reason: message }));
    child.once('exit', (code, signal) => {
      resolve(signal === null ? { kind: 'exited', code: code ?? 0 } : { kind: 'signalled', signal });
    });
  });
  return { child, ended };
}

/** The last of what a carrying command says on stderr, from now on. */
export function lastWords({ child }: Client): () => string {
  let said = '';
  child.stderr.on('data', (piece: Buffer | string) => (said = `${said}${String(piece)}`.slice(-KEPT_CHARACTERS)));
  return () => said;
}
