import { describeExit } from '../../exec/exit.ts';
import type { LaunchedRole, ProgressStatus } from '../../lifecycle/adapter.ts';
import { findFailures } from '../../verdicts/predicates/error-rate.ts';
import type { LoadProgress } from './load-tally.ts';

const EVIDENCE_LINES = 8;

/** Whether a server under load is alive, answers more than it refuses, and gets on. */
export function judgeServing(server: LaunchedRole, load: LoadProgress): ProgressStatus {
  const evidence = server.process.tail(EVIDENCE_LINES);
  const exit = server.process.exit();
  if (exit !== null) {
    const detail = `${server.role} on ${server.host} ${describeExit(exit, 'under load')}`;
    return { state: 'broken', predicate: 'server_alive', detail, evidence };
  }
  const failures = findFailures(load);
  if (failures !== null) return { state: 'broken', predicate: 'error_rate', detail: failures, evidence };
  return {
    state: 'running',
    mark: load.streamedChunks + load.finished + load.warmupFinished,
    progress: { done: load.finished, total: load.requests, unit: 'req', rate: tokenRate(load) },
  };
}

function tokenRate({ outputTokens, measuringMs }: LoadProgress): string {
  return outputTokens === 0 ? '' : `${Math.round((outputTokens * 1000) / measuringMs)} tok/s`;
}
