import type { Phase, Status } from '../evidence/failure.ts';
import type { Progress, RunRequest } from '../lifecycle/adapter.ts';

/** How a run ended, as its job host says. */
export interface RunEnd {
  readonly status: Status;
  /** Whether its servers still run, for the next cell. */
  readonly isKept: boolean;
  /** Whether everything else of it is known to be gone. */
  readonly isClean: boolean;
}

/** What a job host is told, one JSON line each. */
export type JobOrder =
  | { readonly type: 'run'; readonly request: RunRequest }
  /** The answer to `ending`: whether the next cell may want the servers. */
  | { readonly type: 'keep'; readonly keep: boolean }
  /** Tears the live run down; the end of stdin follows. */
  | { readonly type: 'stop'; readonly reason: string };

/** What a job host reports while it runs, one JSON line each. */
export type JobMessage =
  /** The run waits for its hosts. */
  | { readonly type: 'waiting'; readonly reason: string }
  | { readonly type: 'phase'; readonly phase: Phase }
  | { readonly type: 'progress'; readonly progress: Progress }
  /** A good run is over, and its servers could be kept: waits for an order to keep them or not. */
  | { readonly type: 'ending' }
  | { readonly type: 'finished'; readonly end: RunEnd };
