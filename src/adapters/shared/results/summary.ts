import { percentileName } from '../../../config/metric-name.ts';
import type { Fields } from './fields.ts';
import type { ResultRun } from './result-run.ts';

type Scalars = ResultRun['scalars'];

const LATENCY = /^(mean|median|std|p\d+(?:\.\d+)?)_(ttft|tpot|itl|e2el|e2e_latency)(_ms)?$/;

/**
 * The latencies of a flat summary, `p99_ttft_ms` or (in seconds) `p99_ttft`, by our names: `ttft_p99_ms`. Each field
 * that is not of that unit is left alone.
 */
export function latencyScalars(fields: Fields, unit: 'ms' | 's'): Scalars {
  const scalars: Record<string, number | null> = {};
  for (const field of Object.keys(fields.record)) {
    const [, statistic, metric, suffix] = LATENCY.exec(field) ?? [];
    if (statistic === undefined || metric === undefined || (suffix === undefined) !== (unit === 's')) continue;
    const isSecond = statistic === 'median' && fields.has(field.replace('median', 'p50'));
    if (isSecond) continue;
    const value = statistic === 'std' ? deviation(fields, field) : fields.time(field);
    scalars[scalarName(metric, statistic)] = inMs(value, unit);
  }
  return scalars;
}

/** `ttft_p99_ms` for the `p99` of `ttft`. */
export function scalarName(metric: string, statistic: string): string {
  const name = metric === 'e2e_latency' ? 'e2el' : metric;
  if (statistic === 'mean' || statistic === 'std') return `${name}_${statistic}_ms`;
  const percentile = statistic === 'median' ? 50 : Number(statistic.slice(1));
  return `${percentileName(`${name}_ms`, percentile)}_ms`;
}

/** A time of a file as milliseconds. */
export function inMs(value: number | null, unit: 'ms' | 's'): number | null {
  return value === null || unit === 'ms' ? value : value * 1000;
}

// Requests that all took the same have a deviation of 0; where nothing was measured it is 0 as well.
function deviation(fields: Fields, field: string): number | null {
  const mean = field.replace('std', 'mean');
  return fields.has(mean) && fields.time(mean) === null ? null : fields.amount(field);
}

/** All figures but the counts are void when no request completed, whatever a file says: it says 0. */
export function voidWithoutCompleted(scalars: Scalars, counts: Scalars): Scalars {
  const isVoid = counts['completed'] === 0;
  const figures = Object.entries(scalars).map(([name, value]) => [name, isVoid ? null : value] as const);
  return { ...counts, ...Object.fromEntries(figures) };
}
