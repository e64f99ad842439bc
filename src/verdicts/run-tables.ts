import type { SampleColumns, Series } from '../evidence/tables/tables.ts';

/** Everything a verdict may look at: the rows one run left, already loaded. */
export interface RunTables {
  /** Null when the run has no samples.parquet. */
  readonly samples: SampleColumns | null;
  readonly series: readonly Series[];
  /**
   * The framework's own summary, per second and in milliseconds. `completed`,
   * where the framework says it, is the number of requests behind the others.
   */
  readonly scalars: Readonly<Record<string, number | null>>;
  /** What rates divide by; null when it was not measured. */
  readonly measuredDurationMs: number | null;
  /** What `by_wallclock_sec` counts from, milliseconds since the Unix epoch. */
  readonly startedAtMs: number | null;
}

/** The requests of a run, or of one of its roles, by how they ended. */
export interface Requests {
  /** The rows of those that succeeded. */
  readonly completed: Int32Array;
  readonly failed: number;
}

/** What was selected from loaded samples, by role: the same for every verdict. */
const selections = new WeakMap<SampleColumns, Map<string | undefined, Requests>>();

/**
 * Tells the requests that succeeded from those that failed; only those of one role when it is given. The rows are
 * shared by all verdicts of these samples: not to be written to.
 */
export function selectRequests(samples: SampleColumns, role?: string): Requests {
  const known = selections.get(samples) ?? new Map<string | undefined, Requests>();
  const requests = known.get(role) ?? select(samples, role);
  selections.set(samples, known.set(role, requests));
  return requests;
}

function select({ rows, ok, roles }: SampleColumns, role: string | undefined): Requests {
  const selected = new Int32Array(rows);
  let completed = 0;
  let failed = 0;
  for (let row = 0; row < rows; row++) {
    if (role !== undefined && roles[row] !== role) continue;
    if (ok[row] === 1) selected[completed++] = row;
    else failed++;
  }
  return { completed: selected.subarray(0, completed), failed };
}

/** The first of these scalars that the framework measured. */
export function findScalar(
  scalars: RunTables['scalars'],
  names: readonly string[],
): { readonly name: string; readonly value: number } | null {
  for (const name of names) {
    const value = scalars[name];
    if (value !== undefined && value !== null) return { name, value };
  }
  return null;
}
