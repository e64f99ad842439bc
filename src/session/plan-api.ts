import type { SessionOptions, SessionPlan } from './plan.ts';
import type { PlannedClaim } from './planned-claim.ts';

/** What one session would do: its cells, and the claims that are selected. */
export interface PlannedSession {
  readonly options: SessionOptions;
  readonly plan: SessionPlan;
  readonly claims: readonly PlannedClaim[];
  /** Why no claim is selected, in lines. */
  explainEmpty(): readonly string[];
}

/** The `api` of the Vitest plugin: how the command sees what a run would do, without one. */
export interface PlanApi {
  /** The session of each project that Vitest has configured so far. */
  readonly sessions: readonly PlannedSession[];
  /** The artifact directory as the plugin was given it, relative to Vitest's root. */
  readonly artifacts: string;
}

/** The artifact directory of a plugin that was given none. */
export const DEFAULT_ARTIFACTS = 'runs';

/** The name under which the plugin is found. */
export const PLUGIN_NAME = 'vitest-assay';
