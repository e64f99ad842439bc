/** What the exit code of every command says; without a verdict nothing failed, and nothing was found out either. */
export const EXIT = { ok: 0, failed: 1, usage: 2, noVerdict: 3 } as const;
