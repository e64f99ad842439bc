import type { Status } from '../evidence/failure.ts';
import type { PlannedCell } from './plan.ts';
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
  /** Takes back what stands for the present pass alone. */
  readonly #passing = new Set<() => void>();

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
    const forget = (): void => {
      if (this.#runs.get(key) === run) this.#runs.delete(key);
    };
    // What nobody can judge stands for this pass alone: whoever asks for it again wants it tried again.
    const note = (outcome: CellOutcome): void => void (stands(outcome) || this.#passing.add(forget));
    run.outcome.then(note, () => this.#passing.add(forget));
    return run;
  }

  /** Forgets what came of no use: the next request launches it again. */
  beginPass(): void {
    for (const forget of this.#passing) forget();
    this.#passing.clear();
  }
}

const JUDGED: readonly Status[] = ['passed', 'recorded', 'failed_verification'];

function stands(outcome: CellOutcome): boolean {
  return outcome.state === 'ran' && JUDGED.includes(outcome.status);
}

function keyOf({ cell, identity }: PlannedCell, artifacts: string): string {
  return JSON.stringify([artifacts, cell.key, identity.workloadHash]);
}
