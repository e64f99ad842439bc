import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { stripVTControlCharacters } from 'node:util';

/** What Ctrl-C sends. */
export const CTRL_C = '\u0003';

const PTY_SPAWN = 'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))';

function quote(argument: string): string {
  return `'${argument.replaceAll("'", String.raw`'\''`)}'`;
}

const PROGRAMS = [
  {
    works: () => spawnSync('script', ['-qfec', 'true', '/dev/null'], { stdio: 'ignore' }).status === 0,
    command: (argv: readonly string[]) => ['script', '-qfec', `exec ${argv.map(quote).join(' ')}`, '/dev/null'],
  },
  {
    works: () => spawnSync('python3', ['-c', PTY_SPAWN, 'true'], { stdio: 'ignore' }).status === 0,
    command: (argv: readonly string[]) => ['python3', '-c', PTY_SPAWN, ...argv],
  },
];
const program = PROGRAMS.find(({ works }) => works()) ?? null;

/** Why there is no terminal for tests here; null where there is one. */
export const noTerminal = program === null ? 'neither script (util-linux) nor python3 can open a terminal' : null;

/** A command in a terminal of its own, where what is typed goes through the line discipline: Ctrl-C is a signal. */
export class Terminal {
  readonly #child: ChildProcess;
  #screen = '';
  #onOutput: () => void = () => undefined;

  /** The exit code of the command. */
  readonly ended: Promise<number | null>;

  constructor(argv: readonly string[], options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv }) {
    const [file = '', ...args] = program?.command(argv) ?? [];
    this.#child = spawn(file, args, { ...options, stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child.stdout?.on('data', (chunk: Buffer) => {
      this.#screen += chunk.toString();
      this.#onOutput();
    });
    this.ended = new Promise((resolve) => {
      this.#child.once('close', (code) => resolve(code));
    });
  }

  /** All that was written so far, as it was written. */
  get written(): string {
    return this.#screen;
  }

  /** All that was shown so far, without what moves the cursor. */
  get screen(): string {
    return stripVTControlCharacters(this.#screen).replaceAll('\r', '');
  }

  type(text: string): void {
    this.#child.stdin?.write(text);
  }

  /** Hangs up. */
  close(): void {
    this.#child.kill();
  }

  /** Waits until the screen shows a text; rejects when the command ends first. */
  async shows(text: string | RegExp): Promise<void> {
    const isShown = () => (typeof text === 'string' ? this.screen.includes(text) : text.test(this.screen));
    const shown = new Promise<void>((resolve) => {
      this.#onOutput = () => {
        if (isShown()) resolve();
      };
    });
    this.#onOutput();
    const tooLate = this.ended.then(() => {
      if (!isShown()) throw new Error(`ended without showing ${String(text)}:\n${this.screen}`);
    });
    await Promise.race([shown, tooLate]);
  }
}
