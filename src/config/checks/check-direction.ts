import type { Unplaced } from '../issues/issues.ts';
import { parseMetricName } from '../metric-name.ts';
import type { Workload } from '../schema/schema.ts';
import type { Threshold } from '../threshold.ts';
import { isUpperBound } from '../thresholds/comparison.ts';

/** The fields whose name says that they are a least. */
const LEAST = { Rate: 'min_rate', Goodput: 'min_qps' } as const;

/** The field that is named a least and held as a most; null when there is none. */
export function misusedLeast(threshold: Threshold): string | null {
  if (threshold.kind !== 'Rate' && threshold.kind !== 'Goodput') return null;
  return isUpperBound(threshold.op) ? LEAST[threshold.kind] : null;
}

/** The thresholds that hold a least as a most: a run passes by being too slow. */
export function checkLeasts(thresholds: Workload['thresholds']): readonly Unplaced[] {
  return thresholds.flatMap((threshold, index) => {
    const field = misusedLeast(threshold);
    if (field === null || !('op' in threshold)) return [];
    const message = `${field} is a least, and "${threshold.op}" holds it as a most`;
    return [{ path: ['thresholds', index, 'op'], message, hint: 'write op: ">="' }];
  });
}

const TIMES = ['s', 'ms', 'us', 'ns'];

// Points in time, not how long something took.
const MOMENTS = /_(?:start|done|end)$/;

/** The bounds of a time from below: rarely what is meant, and no mistake where it is. */
export function checkFloors(thresholds: Workload['thresholds']): readonly Unplaced[] {
  return thresholds.flatMap((threshold, index) => {
    if (threshold.kind !== 'Percentile' || isUpperBound(threshold.op) || !isDuration(threshold.metric)) return [];
    const message = `${threshold.metric} ${threshold.op} ${threshold.value} is a bound that a slower run passes`;
    return [{ path: ['thresholds', index, 'op'], message, hint: 'write op: "<=" unless it is meant' }];
  });
}

function isDuration(metric: string): boolean {
  const { stem, suffix } = parseMetricName(metric);
  return suffix !== null && TIMES.includes(suffix) && !MOMENTS.test(stem);
}
