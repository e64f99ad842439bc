import type { Command } from './executor.ts';
import type { Exit } from './exit.ts';

/** How a shell script reaches a host: all that distinguishes one kind of remote host from another. */
export interface Carrier {
  /** The host's name in its pool. */
  readonly host: string;
  /** Where servers on the host listen, and where they are reached from here. */
  readonly address: string;
  /**
   * The command of this machine that runs a POSIX shell script on the host. Stdin, stdout and stderr
   * pass through; the end of stdin reaches the script. Its exit code says nothing certain about the script's,
   * and the script's environment is whatever the way there gives.
   */
  carry(script: string): Command;
  /** Why the way to the host broke off, from how the carrying command ended and what it said; perhaps with what to do. */
  explain(exit: Exit, stderr: string): string;
  /**
   * Why whoever lends the host took it back and ended what ran there, from what the carrying command said: how the
   * process ended is then no act of its own. Null when nobody did; absent where nobody can.
   */
  readonly takenBack?: (stderr: string) => string | null;
}
