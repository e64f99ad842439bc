import { sentenceOf } from '../core/errors.ts';
import type { Threshold } from '../config/threshold.ts';
import type { Verdict } from '../evidence/verdict.ts';
import type { RunningProcess } from '../exec/executor.ts';
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
   * Stops every role, the last launched first and all processes of a role at once: those that do not listen cost one
   * grace time, on however many hosts. One that cannot be stopped keeps no other from being stopped.
   *
   * @throws AggregateError with what each of those said.
   */
  async teardown(context: RunContext): Promise<void> {
    const failures: unknown[] = [];
    for (const processes of lastRoleFirst(context.launched)) {
      const ends = await Promise.allSettled(processes.map((process) => process.stop(STOP_GRACE_MS)));
      failures.push(...ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : [])));
    }
    if (failures.length > 0) throw new AggregateError(failures, failures.map(sentenceOf).join('; '));
  }
}

/** The processes of each role. */
function lastRoleFirst(launched: RunContext['launched']): readonly (readonly RunningProcess[])[] {
  const byRole = new Map<string, RunningProcess[]>();
  for (const { role, process } of launched) byRole.set(role, [...(byRole.get(role) ?? []), process]);
  return [...byRole.values()].toReversed();
}
