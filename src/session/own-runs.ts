import { existsSync } from 'node:fs';
import type { Status } from '../evidence/failure.ts';
import type { PlannedCell } from './plan.ts';
import { NOT_RUN } from './scheduler.ts';
import type { CellOutcome } from './scheduler.ts';

/** What came of a workload that this process launched. */
export interface OwnRun {
  /** The cell it was launched for: another plan may judge the same workload otherwise. */
  readonly planned: PlannedCell;
  readonly outcome: Promise<CellOutcome>;
}

/**
 * The workloads that this process has launched, so that none is launched twice: not for another project's sake, not
 * when a plan is made anew, not in a later pass of watch mode.
 */
export class OwnRuns {
  readonly #runs = new Map<string, OwnRun>();
  /** What came of those that are over, by the same keys. */
  readonly #ended = new Map<string, CellOutcome>();

  /** The run of a cell's workload in an artifact directory; undefined when there was none yet. */
  of(planned: PlannedCell, artifacts: string): OwnRun | undefined {
    return this.#runs.get(keyOf(planned, artifacts));
  }

  /** The run of a cell's workload: the one there is, or else what `launch` starts. */
  obtain(planned: PlannedCell, artifacts: string, launch: () => Promise<CellOutcome>): OwnRun {
    const key = keyOf(planned, artifacts);
    const known = this.#runs.get(key);
    if (known !== undefined) return known;
    const run = { planned, outcome: launch() };
    this.#runs.set(key, run);
    const note = (outcome: CellOutcome): void => void this.#ended.set(key, outcome);
    run.outcome.then(note, () => note(NOT_RUN));
    return run;
  }

  /** Forgets what nobody can judge, or what somebody has removed: the next request launches it again. */
  beginPass(): void {
    for (const [key, outcome] of this.#ended) {
      if (stands(outcome)) continue;
      this.#ended.delete(key);
      this.#runs.delete(key);
    }
  }
}

const JUDGED: readonly Status[] = ['passed', 'recorded', 'failed_verification'];

function stands(outcome: CellOutcome): boolean {
  return outcome.state === 'ran' && JUDGED.includes(outcome.status) && existsSync(outcome.folder);
}

function keyOf({ cell, identity }: PlannedCell, artifacts: string): string {
  return JSON.stringify([artifacts, cell.key, identity.workloadHash]);
}
