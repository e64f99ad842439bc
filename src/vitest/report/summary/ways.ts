import { groupBy } from '../../../core/group-by.ts';
import { counted } from './layout.ts';
import { relativeMargin } from './margin.ts';
import { isFailedRun, judgedRuns } from './pass-summary.ts';
import type { FailedClaim, JudgedRun, MissedThreshold, PassSummary } from './pass-summary.ts';

/** A claim that found a threshold missed. */
type MissedClaim = FailedClaim & { readonly missed: MissedThreshold };

/** One cause for which claims failed. */
export type Way =
  /** Runs that failed alike, whatever is claimed about them. */
  | {
      readonly kind: 'run';
      readonly cause: RunCause;
      readonly runs: readonly JudgedRun[];
      /** How many claims failed for it; none where the slice asks about something else. */
      readonly claims: number;
    }
  /** A threshold that was missed, the worst first. */
  | { readonly kind: 'missed'; readonly name: string; readonly claims: readonly MissedClaim[] }
  /** Another assertion, or what kept claims from being judged. */
  | { readonly kind: 'other'; readonly name: string; readonly claims: readonly FailedClaim[] };

/** What ended a run. */
interface RunCause {
  /** `failed_setup in launch`, `interrupted`. */
  readonly what: string;
  /** In words; empty where the status says it all. */
  readonly message: string;
}

/** Whether claims failed, and not only runs that nothing was claimed of. */
export function hasClaims(way: Way): boolean {
  return way.kind !== 'run' || way.claims > 0;
}

/**
 * What a pass in which no claim failed must say of cells that did, since its exit code does not: a slice may ask only
 * about what holds of them. Null where there is nothing to say; a run that was called off is no failure.
 */
export function unclaimedFailures(summary: PassSummary): string | null {
  const { length } = judgedRuns(summary).filter((run) => isFailedRun(run) && run.manifest.status !== 'interrupted');
  if (summary.claims.failed.length > 0 || length === 0) return null;
  return `No selected claim failed, but ${counted(length, 'cell')} did, which the exit code does not say`;
}

/**
 * The failures of a pass by their causes: what failed as a run comes first, and takes its claims along; runs of which
 * no claim failed come last.
 */
export function waysToFail(summary: PassSummary): readonly Way[] {
  return causesOf(summary).toSorted((one, other) => Number(hasClaims(other)) - Number(hasClaims(one)));
}

function causesOf(summary: PassSummary): readonly Way[] {
  const { failed } = summary.claims;
  const missed = failed.filter(isMissed);
  const explained = new Set(missed.map(({ folder }) => folder));
  const failedRuns = judgedRuns(summary)
    .filter(isFailedRun)
    .filter(({ manifest, folder }) => manifest.status !== 'failed_verification' || !explained.has(folder));
  const ofFailedRuns = new Set<string | null>(failedRuns.map(({ folder }) => folder));
  const others = failed.filter((claim) => !isMissed(claim) && !ofFailedRuns.has(claim.folder));
  const claimsOn = groupBy(
    failed.filter((claim) => !isMissed(claim)),
    ({ folder }) => folder,
  );
  return [
    ...[...groupBy(failedRuns, (run) => JSON.stringify(causeOf(run)))].map(([cause, runs]) => ({
      kind: 'run' as const,
      cause: JSON.parse(cause) as RunCause,
      runs,
      claims: runs.reduce((sum, { folder }) => sum + (claimsOn.get(folder)?.length ?? 0), 0),
    })),
    ...[...groupBy(missed, ({ name }) => name)].map(([name, claims]) => ({
      kind: 'missed' as const,
      name,
      claims: claims.toSorted((one, other) => relativeMargin(one.missed) - relativeMargin(other.missed)),
    })),
    // Without a run a claim says nothing of its own: what kept the run away is the cause.
    ...[...groupBy(others, ({ folder, name, message }) => (folder === null ? message : name))].map(([, claims]) => ({
      kind: 'other' as const,
      name: [...new Set(claims.map(({ name }) => name))].join(', '),
      claims,
    })),
  ];
}

function isMissed(claim: FailedClaim): claim is MissedClaim {
  return claim.missed !== null;
}

function causeOf({ manifest: { status, failure, interruption } }: JudgedRun): RunCause {
  if (interruption !== null) return { what: status, message: interruption };
  if (failure === null) return { what: status, message: '' };
  return { what: `${status} in ${failure.originated_in_phase}`, message: failure.message };
}
