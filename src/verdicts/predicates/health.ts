import type { ThresholdOf } from '../../config/threshold.ts';
import type { Verdict } from '../../evidence/verdict.ts';
import type { RunTables } from '../run-tables.ts';
import { judgeSeries, silenceOf } from '../series.ts';

/** So many failures in a row are no hiccup. */
const LIVE_FAILURES = 3;

/**
 * The share of the probes of a server that failed; none may. Each server is a series of `healthy`, 1 for a probe that it
 * answered and 0 for one that it did not; the worst counts, and n are its probes.
 */
export function evaluateHealth(threshold: ThresholdOf<'Predicate'>, tables: RunTables): Verdict {
  const metric = 'healthy';
  const bound = { op: '<=', expected: 0 } as const;
  return judgeSeries({ threshold, metric, name: 'share of failed probes', bound, unit: '' }, tables, (series) => {
    const { values, steps } = series;
    if (values.length === 0) return silenceOf(series, 'was never probed');
    const { failed, first } = failuresOf(values);
    const where =
      failed === 0 ? 'none failed' : `${failed} of ${values.length} failed, the first at step ${steps[first]}`;
    return { series, actual: failed / values.length, n: values.length, where };
  });
}

/** How many probes failed, and the index of the first of them. */
function failuresOf(probes: Float64Array): { readonly failed: number; readonly first: number } {
  let failed = 0;
  let first = -1;
  for (let index = 0; index < probes.length; index++) {
    if (!((probes[index] ?? NaN) < 1)) continue;
    if (failed === 0) first = index;
    failed++;
  }
  return { failed, first };
}

/** What is wrong with a server in flight, by its probes, oldest first: the last 3 have failed; null while that is not so. */
export function findOutage(probes: readonly boolean[]): string | null {
  const latest = probes.slice(-LIVE_FAILURES);
  const isOut = latest.length === LIVE_FAILURES && !latest.some(Boolean);
  return isOut ? `${LIVE_FAILURES} probes in a row failed` : null;
}
