/** A signal that asks a session to stop. */
export type StopSignal = 'SIGINT' | 'SIGTERM';

/** The variable by which Vitest knows that `assay run` started it and holds the other end of its IPC channel. */
export const PARENT_CHANNEL = 'ASSAY_PARENT_CHANNEL';

/** What such a Vitest says once: from now on it hears of its parent's signals over the channel. */
export const LISTENING = 'assay-listening';

/** What `assay run` says: it was sent a signal, which Vitest may have been sent as well. */
export interface ParentSignal {
  readonly signal: StopSignal;
}
