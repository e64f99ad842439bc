/** A duration as configs write it: `500ms`, `30s`, `10m`, `4h` or `90d`. */
export const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;
const MS_PER_UNIT = { ms: 1, s: 1e3, m: 60e3, h: 3600e3, d: 86400e3 } as const;

/** Milliseconds of a duration written as `500ms`, `30s`, `10m`, `4h` or `90d`; null when it is not one. */
export function parseDurationMs(text: string): number | null {
  const match = DURATION.exec(text);
  if (match === null) return null;
  return Number(match[1]) * MS_PER_UNIT[match[2] as keyof typeof MS_PER_UNIT];
}

/** A duration for people: `0.4 s`, `12 s`, `3 min 05 s`, `1 h 50 min`. */
export function formatDuration(ms: number): string {
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${String(seconds % 60).padStart(2, '0')} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}

/** A number for people: a few significant digits, no exponent between 1e-3 and 1e7, no trailing zeros. */
export function formatNumber(value: number, digits = 4): string {
  const magnitude = Math.abs(value);
  if (magnitude !== 0 && (magnitude < 1e-3 || magnitude >= 1e7)) return value.toExponential(2);
  const decimals = magnitude === 0 ? 0 : Math.max(0, digits - 1 - Math.floor(Math.log10(magnitude)));
  return String(Number(value.toFixed(decimals)));
}
