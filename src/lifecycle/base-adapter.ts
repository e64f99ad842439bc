import type { Threshold } from '../config/threshold.ts';
import type { Verdict } from '../evidence/verdict.ts';
import { evaluateAll } from '../verdicts/evaluate.ts';
import type { RunTables } from '../verdicts/run-tables.ts';
import type { Adapter, ProgressStatus, RunContext, WorkloadResult } from './adapter.ts';
import { monitor } from './monitor.ts';

/** How long a role may take to drain after SIGTERM before it is killed. */
const STOP_GRACE_MS = 15_000;

/** The defaults that serve most frameworks: an adapter overrides launch, progressPredicate and parse. */
export abstract class BaseAdapter implements Adapter {
  async prepare(_context: RunContext): Promise<void> {}

  abstract launch(context: RunContext): Promise<void>;

  abstract progressPredicate(context: RunContext): ProgressStatus;

  /** Polls the progress predicate until it says done. */
  async awaitCompletion(context: RunContext): Promise<void> {
    await monitor(context, () => this.progressPredicate(context));
  }

  abstract parse(context: RunContext): Promise<WorkloadResult>;

  verify(thresholds: readonly Threshold[], tables: RunTables): readonly Verdict[] {
    return evaluateAll(thresholds, tables);
  }

  /** Stops every role, the last launched first. */
  async teardown(context: RunContext): Promise<void> {
    for (const { process } of context.launched.toReversed()) await process.stop(STOP_GRACE_MS);
  }
}
