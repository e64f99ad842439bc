import type { WorkloadResult } from './adapter.ts';

/** The result with null for every figure that is no finite number: it was not measured, and JSON could not say it. */
export function finiteResult(result: WorkloadResult): WorkloadResult {
  const scalars = Object.entries(result.scalars).map(([name, value]) => [name, finite(value)] as const);
  return {
    ...result,
    scalars: Object.fromEntries(scalars),
    startedAtMs: finite(result.startedAtMs),
    durationMs: finite(result.durationMs),
  };
}

function finite(value: number | null): number | null {
  return Number.isFinite(value) ? value : null;
}
