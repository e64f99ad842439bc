import type { SampleRow } from '../../evidence/tables/samples.ts';
import type { ReadyRole, RunContext } from '../../lifecycle/adapter.ts';
import type { LoadPlan } from './load-plan.ts';
import type { LoadProgress, LoadSummary } from './load-tally.ts';
import { startLoad } from './load.ts';

/** What a load of our own client came to. */
export interface DrivenLoad {
  readonly summary: LoadSummary;
  /** What the warm-up requests got. */
  readonly warmupOutputTokens: number;
}

/** Sends a load to a server of a run, from now on, and records its start and every measured request. */
export function driveLoad(
  { writer }: Pick<RunContext, 'writer'>,
  { role, host }: Pick<ReadyRole, 'role' | 'host'>,
  { plan, signal }: { readonly plan: LoadPlan; readonly signal: AbortSignal },
): { readonly progress: () => LoadProgress; readonly done: Promise<DrivenLoad> } {
  let warmupOutputTokens = 0;
  const onWarmupSample = ({ outputTokens }: SampleRow): void => {
    warmupOutputTokens += outputTokens ?? 0;
  };
  writer.events.record('arrival.start', { requests: plan.requests });
  const load = startLoad(plan, { role, host, signal, onSample: (row) => writer.sample(row), onWarmupSample });
  return {
    progress: () => load.progress(),
    done: load.done.then((summary) => ({ summary, warmupOutputTokens })),
  };
}
