import { AssayError } from '../core/errors.ts';
import { parseDurationMs } from '../core/units.ts';

const WEEKS = /^(\d+)w$/;
const DATE = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?Z)?$/;

/**
 * The time that an option such as `--since` names: so long before now (`30d`, `12h`, `2w`), or a date (`2026-10-01`, `2026-10-01T12:00Z`),
 * which begins at midnight UTC.
 *
 * @throws AssayError USAGE for anything else.
 */
export function parseSince(text: string, now: Date, option = '--since'): Date {
  const agoMs = parseDurationMs(text.replace(WEEKS, (_, weeks: string) => `${Number(weeks) * 7}d`));
  const since = agoMs === null ? dateOf(text) : new Date(now.getTime() - agoMs);
  if (since !== null && Number.isFinite(since.getTime())) return since;
  throw new AssayError('USAGE', `${option} ${text} is no time`, {
    hint: 'write how long ago, such as 30d, 12h or 2w, or a date, such as 2026-10-01',
  });
}

function dateOf(text: string): Date | null {
  const date = DATE.test(text) ? new Date(text) : null;
  // There is no February 30th: it would mean a day in March.
  const isThere = Number.isFinite(date?.getTime()) && date?.toISOString().startsWith(text.slice(0, 10));
  return isThere === true ? date : null;
}
