import type { LoadedTables } from '../evidence/tables/load-tables.ts';
import type { Manifest } from '../evidence/manifest.ts';
import { inferenceScalars } from '../verdicts/scalars.ts';
import type { WorkloadResult } from './adapter.ts';
import { finiteResult } from './finite.ts';

/** All figures of a run: what its adapter read, and what its rows say by themselves. */
export function figuresOf(read: WorkloadResult, tables: LoadedTables): WorkloadResult {
  const native = finiteResult(read);
  const window = { measuredDurationMs: native.durationMs, startedAtMs: native.startedAtMs };
  const own = inferenceScalars({ ...tables, ...window });
  // The framework's own figures win over ours: they are what it claims of itself.
  return finiteResult({ ...native, scalars: { ...own, ...native.scalars } });
}

/** A result under the names of the manifest. */
export function recordedResult(result: WorkloadResult): Pick<Manifest, 'framework_versions' | 'result'> {
  return {
    framework_versions: { ...result.frameworkVersions },
    result: {
      scalars: { ...result.scalars },
      applied: { ...result.applied },
      measured: { started_at_ms: result.startedAtMs, duration_ms: result.durationMs },
    },
  };
}
