const UNITS: Readonly<Record<string, string>> = {
  ms: 'ms',
  ns: 'ns',
  us: 'us',
  s: 's',
  sec: 's',
  tps: 'tokens/s',
  rps: 'requests/s',
  qps: 'requests/s',
  kbps: 'kbit/s',
  gb: 'GB',
  mb: 'MB',
  pct: '%',
  w: 'W',
};

/** A metric's name in its parts: `ttft_ms` is the stem `ttft` and the suffix `ms`. */
interface MetricName {
  readonly stem: string;
  /** The unit as the name spells it; null when the name carries none. */
  readonly suffix: string | null;
  /** The unit for people; empty when the name carries none. */
  readonly unit: string;
}

/** Reads the unit off a metric's name; a name without a known unit is all stem. */
export function parseMetricName(metric: string): MetricName {
  const cut = metric.lastIndexOf('_');
  const suffix = metric.slice(cut + 1);
  const unit = cut > 0 && Object.hasOwn(UNITS, suffix) ? UNITS[suffix] : undefined;
  if (unit !== undefined) return { stem: metric.slice(0, cut), suffix, unit };
  return { stem: metric, suffix: null, unit: suffix === 'tokens' ? 'tokens' : '' };
}

/** The name of a percentile of a metric: `ttft_p99` for the 99th of `ttft_ms`, `ttft_p99_9` for the 99.9th. */
export function percentileName(metric: string, percentile: number): string {
  return `${parseMetricName(metric).stem}_p${String(percentile).replace('.', '_')}`;
}
