import type { StepLine } from '../shared/training/steps.ts';
import { parseWorkerLine } from './worker-lines.ts';

/** Reads the line of a finished step by the names of trajectory metrics; null for any other. */
export function parseStepLine(line: string): StepLine | null {
  const parsed = parseWorkerLine(line);
  if (parsed?.event !== 'step') return null;
  const { step, rank, ts_ms: tsMs, tokens_per_second: throughput, event: _event, ...values } = parsed;
  return { step, rank, tsMs, values: { ...values, throughput } };
}
