import { formatDuration } from '../../../core/units.ts';
import type { Manifest } from '../../../evidence/manifest.ts';
import { paint } from '../../screen/paint.ts';
import { counted, paragraph, wrapped } from './layout.ts';
import type { PassSummary } from './pass-summary.ts';

// Taking a lock that nobody holds takes a moment too.
const WORTH_TELLING_S = 1;

/** What the pass came to in figures, and what it cost. */
export function totalLines(summary: PassSummary): readonly string[] {
  return [...wrapped(counts(summary)), ...wrapped(costs(summary)), ...reuseLines(summary)];
}

function counts({
  runs,
  reuse,
  reused,
  standing,
  skipped,
  notRun,
  notJudged,
  claims,
  lost,
}: PassSummary): readonly string[] {
  const manifests = runs.map(({ manifest }) => manifest);
  const isNothingNew = manifests.length === 0 && (reuse !== 'off' || standing.length > 0);
  return [
    `${counted(claims.passed, 'claim')} passed`,
    ...(claims.failed.length > 0 ? [paint('red', `${claims.failed.length} failed`)] : []),
    ...(notJudged > 0 ? [paint(lost.length > 0 ? 'red' : 'yellow', `${notJudged} not judged`)] : []),
    ...(reuse === 'off' ? [] : [`${reused.length} reused`]),
    launched(manifests),
    ...(standing.length > 0 ? [`${standing.length} already run`] : []),
    `${skipped.length} skipped`,
    ...(notRun.length > 0 ? [paint('yellow', `${notRun.length} not run`)] : []),
    ...(isNothingNew ? [] : [leftovers(manifests)]),
  ];
}

/** A run on a server that another run had started says less of what a launch costs. */
function launched(manifests: readonly Manifest[]): string {
  const reusing = manifests.filter(({ launches }) => launches.some(({ reused_from: from }) => from !== null));
  const note = reusing.length === 0 ? '' : ` (${reusing.length} on a server that ran already)`;
  return `${manifests.length} launched${note}`;
}

function leftovers(manifests: readonly Manifest[]): string {
  if (manifests.some(({ teardown }) => (teardown?.unconfirmed.length ?? 0) > 0)) {
    return paint('red', 'something may be left running');
  }
  const orphans = manifests.map(({ teardown }) => teardown?.orphans ?? null);
  if (orphans.some((count) => count === null)) return 'leftovers not checked on this host';
  const count = orphans.reduce<number>((sum, one) => sum + (one ?? 0), 0);
  return count === 0 ? 'nothing left running' : `${count} leftover ${count === 1 ? 'process' : 'processes'} removed`;
}

function costs({ runs, reuse, standing, elapsedMs, artifacts }: PassSummary): readonly string[] {
  const setupS = runs.reduce(
    (sum, { manifest: { phases } }) => sum + (phases.prepare?.duration_s ?? 0) + (phases.launch?.duration_s ?? 0),
    0,
  );
  const isNothingNew = runs.length === 0 && (reuse !== 'off' || standing.length > 0);
  return [
    `${formatDuration(elapsedMs)}${isNothingNew ? '' : `, of which ${formatDuration(setupS * 1000)} setup`}`,
    ...waits(runs.map(({ manifest }) => manifest)),
    `evidence in ${artifacts}/`,
  ];
}

/** Cells may wait side by side, so their times make no sum. */
function waits(manifests: readonly Manifest[]): readonly string[] {
  const waited = manifests.map(({ waited_s: seconds }) => seconds ?? 0).filter((seconds) => seconds >= WORTH_TELLING_S);
  if (waited.length === 0) return [];
  return [`${counted(waited.length, 'cell')} waited up to ${formatDuration(Math.max(...waited) * 1000)} for nodes`];
}

/** Why nothing had to be launched, or what would launch what is lacking. */
function reuseLines({ runs, reused, standing, skipped, notRun }: PassSummary): readonly string[] {
  const isAll = [runs, skipped, notRun].every(({ length }) => length === 0) && reused.length + standing.length > 0;
  const lacking = skipped.filter(({ reason }) => reason.startsWith('not_cached')).length;
  return [
    ...(isAll ? [' nothing had to be launched: no hashed input changed'] : []),
    ...(lacking === 0
      ? []
      : paragraph(
          `${lacking === 1 ? '1 cell has' : `${lacking} cells have`} no stored run: --reuse prefer launches ${lacking === 1 ? 'it' : 'them'}`,
          ' ',
        )),
  ];
}
