/** What the exit code of every command says. */
export const EXIT = { ok: 0, failed: 1, usage: 2 } as const;
