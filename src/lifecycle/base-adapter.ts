import { sentenceOf } from '../core/errors.ts';
import type { Threshold } from '../config/threshold.ts';
import type { Verdict } from '../evidence/verdict.ts';
import { evaluateAll } from '../verdicts/evaluate.ts';
import type { RunTables } from '../verdicts/run-tables.ts';
import type { Adapter, ParseContext, ProgressStatus, RunContext, WorkloadResult } from './adapter.ts';
import { STOP_GRACE_MS } from './kept-servers.ts';
import { monitor } from './monitor.ts';

/** The defaults that serve most frameworks: an adapter overrides launch, progressPredicate and parse. */
export abstract class BaseAdapter implements Adapter {
  async prepare(_context: RunContext): Promise<void> {}

  abstract launch(context: RunContext): Promise<void>;

  abstract progressPredicate(context: RunContext): ProgressStatus;

  /** Polls the progress predicate until it says done. */
  async awaitCompletion(context: RunContext): Promise<void> {
    await monitor(context, () => this.progressPredicate(context));
  }

  abstract parse(context: ParseContext): Promise<WorkloadResult>;

  verify(thresholds: readonly Threshold[], tables: RunTables): readonly Verdict[] {
    return evaluateAll(thresholds, tables);
  }

  /**
   * Stops every role, the last launched first; one that cannot be stopped keeps no other from being stopped.
   *
   * @throws AggregateError with what each of those said.
   */
  async teardown(context: RunContext): Promise<void> {
    const failures: unknown[] = [];
    for (const { process } of context.launched.toReversed()) {
      await process.stop(STOP_GRACE_MS).catch((thrown: unknown) => failures.push(thrown));
    }
    if (failures.length > 0) throw new AggregateError(failures, failures.map(sentenceOf).join('; '));
  }
}
