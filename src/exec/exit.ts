/** How a process ended, as far as anybody can know. */
export type Exit =
  /** By itself, with a code; in a container, code 137 may mean that the host had no memory left for it. */
  | { readonly kind: 'exited'; readonly code: number; readonly isOutOfMemory?: boolean }
  | { readonly kind: 'signalled'; readonly signal: string }
  /** The way to it broke off: it may have ended, or still run. */
  | { readonly kind: 'lost'; readonly reason: string };

/** Whether a process came to a good end. */
export function isSuccess(exit: Exit): boolean {
  return exit.kind === 'exited' && exit.code === 0;
}

/** How a process ended, as the rest of a sentence: `ended with code 1`, and `when` behind it: `under load`. */
export function describeExit(exit: Exit, when = ''): string {
  const then = when === '' ? '' : ` ${when}`;
  switch (exit.kind) {
    case 'exited':
      return `ended with code ${exit.code}${then}${exit.isOutOfMemory === true ? ', out of memory' : ''}`;
    case 'signalled':
      return `ended with ${exit.signal}${then}`;
    case 'lost':
      return `was lost${then}: ${exit.reason}`;
  }
}
