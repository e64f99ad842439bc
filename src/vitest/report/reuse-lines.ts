import type { Manifest } from '../../evidence/manifest.ts';
import type { JudgedAgain } from '../../session/stored/reuse.ts';

/** A stored run for people: so much of its id as its time takes, and its date. */
export function nameRun({ run_id: id, timestamp_start: start }: Pick<Manifest, 'run_id' | 'timestamp_start'>): string {
  return `${id.slice(0, '0193a8e2-7c1f'.length)} of ${start.slice(0, '2026-05-28'.length)}`;
}

/** How a stored run is judged in this session: `as judged then`, `judged again: thresholds changed`. */
export function describeJudgement(again: JudgedAgain | null): string {
  return again === null ? 'as judged then' : `judged again: ${again.what} changed`;
}
