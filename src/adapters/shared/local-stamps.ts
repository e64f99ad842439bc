import type { ParseContext } from '../../lifecycle/adapter.ts';
import type { RoleLog } from './role-logs.ts';

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

/** Environment of a program whose stamps name no zone: it prints them in UTC then. */
export const STAMPS_IN_UTC = { TZ: 'UTC' } as const;

/**
 * By how much the stamps of a role's log are off that name no zone and were read as UTC, milliseconds: not at all where
 * its program was launched to print UTC, else as far as its first stamp is from the start of the run.
 */
export function stampOffsetMs(
  { launches, timestamp_start: start }: Pick<ParseContext['run'], 'launches' | 'timestamp_start'>,
  { role, host, lines }: RoleLog,
  stampOf: (line: string) => number | null,
): number {
  const launch = launches.find((one) => one.role === role && one.host === host);
  if (launch?.env['TZ'] === STAMPS_IN_UTC.TZ) return 0;
  const first = lines.reduce<number | null>((found, line) => found ?? stampOf(line), null);
  return first === null ? 0 : zoneOffsetMs(first, Date.parse(start));
}
