import type { Status } from '../evidence/failure.ts';
import type { PlannedCell } from './plan.ts';
import type { CellOutcome } from './scheduler.ts';

/** Whether a cell may start as far as the canary of its config is concerned. */
export type CanaryWord =
  | { readonly say: 'go' }
  | { readonly say: 'wait' }
  /** The canary's setup failed: the cell is not to be launched. */
  | { readonly say: 'no'; readonly detail: string };

/**
 * For configs that send one cell ahead: the first that starts is the canary, the
 * others wait for its end, and stay where they are when its setup failed.
 */
export class Canaries {
  readonly #words = new Map<string, CanaryWord>();

  /** What holds for a cell now. */
  ask({ cell: { workload } }: PlannedCell): CanaryWord {
    if (!workload.canary) return { say: 'go' };
    return this.#words.get(workload.test_id) ?? { say: 'go' };
  }

  /** Call it when a cell starts: the first one of its config is the canary. */
  started({ cell: { workload } }: PlannedCell): void {
    if (workload.canary && !this.#words.has(workload.test_id)) this.#words.set(workload.test_id, { say: 'wait' });
  }

  /** Forgets the canaries whose setup failed. */
  forgive(): void {
    for (const [config, { say }] of this.#words) if (say === 'no') this.#words.delete(config);
  }

  /** Call it with what became of a cell; answers whether that says more of the others than before. */
  ended({ cell: { workload, cellId } }: PlannedCell, outcome: CellOutcome): boolean {
    const { test_id: config } = workload;
    if (this.#words.get(config)?.say !== 'wait') return false;
    // One that was cut short says nothing of the others.
    if (outcome.state === 'skipped' || outcome.status === 'interrupted') this.#words.delete(config);
    else this.#words.set(config, wordAfter(cellId, outcome.status));
    return true;
  }
}

function wordAfter(cellId: string, status: Status): CanaryWord {
  if (status !== 'failed_setup') return { say: 'go' };
  return { say: 'no', detail: `canary_failed (the setup of ${cellId} failed)` };
}
