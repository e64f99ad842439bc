import type { Phase, Status } from '../evidence/failure.ts';
import type { Progress } from '../lifecycle/adapter.ts';

/** What a job host reports while it runs, one JSON line each. */
export type JobMessage =
  | { readonly type: 'phase'; readonly phase: Phase }
  | { readonly type: 'progress'; readonly progress: Progress }
  | { readonly type: 'finished'; readonly status: Status };
