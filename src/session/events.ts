import type { Phase, Status } from '../evidence/failure.ts';
import type { Progress } from '../lifecycle/adapter.ts';
import type { PlannedCell } from './plan.ts';
import type { Reaped } from './reap.ts';
import type { Skip } from './skip.ts';
import type { Miss } from './stored/nearest-run.ts';
import type { DamagedRun, Hit } from './stored/reuse.ts';

/** What happens to the cells of a session, as it happens. */
export type SessionEvent =
  | { readonly type: 'reaped'; readonly reaped: Reaped }
  | { readonly type: 'started'; readonly planned: PlannedCell; readonly folder: string }
  | { readonly type: 'waiting'; readonly planned: PlannedCell; readonly what: string }
  | { readonly type: 'phase'; readonly planned: PlannedCell; readonly phase: Phase }
  | { readonly type: 'progress'; readonly planned: PlannedCell; readonly progress: Progress }
  /** A stored run stands for a launch. */
  | ({ readonly type: 'reused'; readonly planned: PlannedCell } & Omit<Hit, 'state'>)
  /** No stored run stands for a launch: it is launched, or skipped where nothing may be launched. */
  | { readonly type: 'missed'; readonly planned: PlannedCell; readonly miss: Miss; readonly skip: Skip | null }
  /** A stored run of this cell is damaged: an older one is looked for. */
  | ({ readonly type: 'damaged'; readonly planned: PlannedCell } & DamagedRun)
  /** Not launched after all. */
  | { readonly type: 'refused'; readonly planned: PlannedCell; readonly skip: Skip }
  | { readonly type: 'ended'; readonly planned: PlannedCell; readonly folder: string; readonly status: Status };

/** Hears of them. */
export type SessionListener = (event: SessionEvent) => void;
