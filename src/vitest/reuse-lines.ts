import { groupBy } from '../core/group-by.ts';
import type { Manifest } from '../evidence/manifest.ts';
import type { JudgedAgain } from '../session/stored/reuse.ts';

/** A stored run for people: so much of its id as its time takes, and its date. */
export function nameRun({ run_id: id, timestamp_start: start }: Pick<Manifest, 'run_id' | 'timestamp_start'>): string {
  return `${id.slice(0, '0193a8e2-7c1f'.length)} of ${start.slice(0, '2026-05-28'.length)}`;
}

/** How a stored run is judged in this session: `as judged then`, `judged again: thresholds changed`. */
export function describeJudgement(again: JudgedAgain | null): string {
  return again === null ? 'as judged then' : `judged again: ${again.what} changed`;
}

const CHANGES_NAMED = 3;

interface Reuse {
  /** Of each stored run that stood for a launch, how it came to be judged again, if it was. */
  readonly reused: readonly (JudgedAgain | null)[];
  /** Whether there was one for every cell. */
  readonly isAll: boolean;
}

/** Why nothing had to be launched, and what stored runs were judged again for; a text for each. */
export function reuseReasons({ reused, isAll }: Reuse): readonly string[] {
  if (reused.length === 0) return [];
  const again = reused.filter((one) => one !== null);
  const reasons = [...groupBy(again, ({ what }) => what)].map(([what, alike]) => {
    const changes = [...new Set(alike.flatMap((one) => one.changes))];
    return `re-judged because ${what} changed${changes.length === 0 ? '' : `: ${listed(changes)}`}`;
  });
  const head = isAll ? ['nothing had to be launched: no hashed input changed'] : [];
  return [...head, ...reasons];
}

function listed(changes: readonly string[]): string {
  const named = changes.slice(0, CHANGES_NAMED).join(', ');
  const more = changes.length - CHANGES_NAMED;
  return more > 0 ? `${named} and ${more} more` : named;
}
