const QUARTER_HOUR_MS = 15 * 60_000;
// Clocks of two machines differ a little.
const CLOCK_SKEW_MS = 60_000;

/**
 * By how much the stamps of a log are off that name no zone and were read as UTC, milliseconds. `firstMs` is the first
 * of them: the run that began at `startedAtMs` printed it soon after, so the quarter hours between the two are the zone.
 */
export function zoneOffsetMs(firstMs: number, startedAtMs: number): number {
  return Math.floor((firstMs - startedAtMs + CLOCK_SKEW_MS) / QUARTER_HOUR_MS) * QUARTER_HOUR_MS;
}
