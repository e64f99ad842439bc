import type { WorkloadResult } from './adapter.ts';

/** The result with null for every figure that is no finite number: it was not measured, and JSON could not say it. */
export function finiteResult(result: WorkloadResult): WorkloadResult {
  return {
    ...result,
    scalars: finiteValues(result.scalars),
    startedAtMs: finite(result.startedAtMs),
    durationMs: finite(result.durationMs),
  };
}

/** Named figures, with null for every one that is no finite number. */
export function finiteValues(values: WorkloadResult['scalars']): Record<string, number | null> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, finite(value)]));
}

function finite(value: number | null): number | null {
  return Number.isFinite(value) ? value : null;
}
