import { WorkloadFailure } from '../../../evidence/failure.ts';
import { plainLine } from '../role-logs.ts';
import type { RoleLog } from '../role-logs.ts';
import type { TrainingStep } from './steps.ts';

const SNIPPET_LINES = 5;

/**
 * Refuses logs in which no step is finished.
 *
 * @throws WorkloadFailure parse_failure with what the logs end with.
 */
export function requireSteps(logs: readonly RoleLog[], steps: readonly TrainingStep[]): void {
  if (steps.length > 0) return;
  const names = logs.map(({ role, host, lines }) => `${role}.${host}.log (${lines.length} lines)`).join(', ');
  const last = logs[0]?.lines.filter((line) => line.trim() !== '').slice(-SNIPPET_LINES) ?? [];
  throw new WorkloadFailure(
    'parse_failure',
    `no line of ${names} reports a finished step - the log says why`,
    last.map(plainLine),
  );
}
