import { join } from 'node:path';
import { AssayError } from '../../core/errors.ts';
import { hashOfFile } from '../../core/hash.ts';
import { scrubberOf } from '../../core/scrubber.ts';
import { presentSecrets } from '../../core/secret.ts';
import type { Sha256 } from '../../core/hash.ts';
import { amendRun } from '../../evidence/amend-run.ts';
import type { Amendment } from '../../evidence/amend-run.ts';
import type { Status } from '../../evidence/failure.ts';
import { loadTables } from '../../evidence/tables/load-tables.ts';
import type { Manifest } from '../../evidence/manifest.ts';
import { RUN_FILES } from '../../evidence/run-folder.ts';
import { checkEvidence, readManifest } from '../../evidence/run-reader.ts';
import type { Verdict } from '../../evidence/verdict.ts';
import {
  readVerification,
  verificationBefore12,
  withVerification,
  writeVerification,
} from '../../evidence/verification.ts';
import type { Verification } from '../../evidence/verification.ts';
import { isByTodaysPatterns, judgeRun } from '../../lifecycle/judge-run.ts';
import { rescanLogs } from '../../lifecycle/rescan-logs.ts';
import { evaluateAll } from '../../verdicts/evaluate.ts';
import type { PlannedCell } from '../plan.ts';
import { frameworks } from '../registry.ts';
import { tool } from '../tool.ts';

/** What is said of a run at one time. */
export interface Judgement {
  readonly status: Status;
  readonly verificationHash: Sha256;
  readonly verdicts: readonly Verdict[];
}

/** One benchmark of a run that is judged otherwise than before; null where nothing judged it. */
export interface VerdictChange {
  readonly benchmark: string;
  readonly before: Verdict | null;
  readonly after: Verdict | null;
}

/** A run judged by today's thresholds. */
export interface Rejudged {
  readonly folder: string;
  /** As it is now. */
  readonly manifest: Manifest;
  readonly before: Judgement;
  readonly after: Judgement;
  readonly changes: readonly VerdictChange[];
}

/** Whether a run came through its load, so that its rows can be judged; one that failed otherwise keeps its status. */
export function isJudgeable({ status, verifications }: Pick<Manifest, 'status' | 'verifications'>): boolean {
  if (status === 'passed' || status === 'recorded' || status === 'failed_verification') return true;
  // A pattern that was found in the logs of a run that had come through: tomorrow's catalogue may think otherwise.
  return status === 'failed_pattern' && verifications.at(-1)?.status === 'failed_pattern';
}

/**
 * Judges a stored run by the thresholds of a cell and keeps the judgement beside the earlier ones; nothing is
 * launched. A run that was last judged that way, or that did not come through its load, stays as it is.
 *
 * @throws AssayError EVIDENCE_MISSING or EVIDENCE_DAMAGED for a run that never ended or whose files have changed.
 */
export async function rejudge(folder: string, planned: PlannedCell): Promise<Rejudged> {
  let before: Manifest | undefined;
  const manifest = await amendRun(folder, async (found) => {
    before = found;
    return judgedAnew(folder, found, planned);
  });
  return rejudged(folder, before ?? manifest, manifest);
}

/** What `rejudge` would make of a run, which stays as it is. */
export async function previewRejudge(folder: string, planned: PlannedCell): Promise<Rejudged> {
  const before = readManifest(folder);
  await checkEvidence(folder, before, { hashes: 'none' });
  const verification = await verify(folder, before, planned);
  return rejudged(folder, before, verification === null ? before : manifestBy(before, verification));
}

async function judgedAnew(folder: string, found: Manifest, planned: PlannedCell): Promise<Amendment | null> {
  const verification = await verify(folder, found, planned);
  if (verification === null) return null;
  const scrubber = scrubberOf(Object.values(presentSecrets(planned.cell.workload.secrets, process.env)));
  const earlier = found.verifications.length === 0 ? [verificationBefore12(folder, found)] : [];
  const written = [...earlier, verification].map((one) => writeVerification(folder, one, { scrubber, isDraft: true }));
  const manifest = written.reduce(manifestBy, found);
  const hashes = new Set(written.map((one) => one.verification_hash));
  const entries = manifest.verifications.filter((entry) => hashes.has(entry.verification_hash));
  return { manifest, files: Object.fromEntries(entries.map(({ file }) => [file, null])) };
}

/** Today's judgement of a run; null where there is none to make. */
async function verify(folder: string, found: Manifest, planned: PlannedCell): Promise<Verification | null> {
  if (!isJudgeable(found)) return null;
  await checkTables(folder, found);
  if (isJudgedLikeToday(found, planned)) return null;
  const { cell, identity } = planned;
  const enforce = isEnforcedToday(found, planned);
  const adapter = frameworks.find(({ spec }) => spec.name === found.framework)?.create?.() ?? { verify: evaluateAll };
  const run = { tables: await loadTables(folder), result: found.result };
  const { verificationHash } = identity;
  const verification = judgeRun(adapter, run, { thresholds: cell.thresholds, enforce, verificationHash, tool });
  const hit = isScanned(folder, found) ? null : await rescanLogs(folder, found);
  return hit === null ? verification : { ...verification, status: 'failed_pattern', failure: hit };
}

/** Whether a run was judged last as its cell would be today, and its rows are still those that were judged. */
export function isJudgedLikeToday(run: Manifest, planned: PlannedCell): boolean {
  const { verification_hash: hash, status, verdicts, verifications, reparses } = run;
  if (hash !== planned.identity.verificationHash) return false;
  if (wasEnforced(run) !== isEnforcedToday(run, planned)) return false;
  const last = verifications.at(-1);
  // A phase that broke, on a full disk say, is no judgement.
  const isJudged =
    last === undefined ? status !== 'failed_verification' || verdicts.length > 0 : last.status === status;
  return isJudged && (reparses.at(-1)?.reparsed_at ?? '') <= (last?.verified_at ?? '');
}

/** Whether a missed threshold failed a run when it was judged last; a version before 1.2 says so by its status alone. */
export function wasEnforced({ enforce, status, verifications }: Manifest): boolean {
  return verifications.length > 0 ? enforce : status !== 'recorded';
}

// What was imported and nobody judges has not passed.
function isEnforcedToday({ imported }: Manifest, { cell }: PlannedCell): boolean {
  return cell.workload.enforce && (imported === null || cell.thresholds.length > 0);
}

/** Whether nothing of today's pattern catalogue can be in the logs. */
function isScanned(folder: string, { verifications }: Manifest): boolean {
  const last = verifications.at(-1);
  return last !== undefined && last.status !== 'failed_pattern' && isByTodaysPatterns(readVerification(folder, last));
}

function manifestBy(manifest: Manifest, verification: Verification): Manifest {
  const { verification_hash, enforce, status, failure, verdicts } = verification;
  return {
    ...manifest,
    verification_hash,
    enforce,
    status,
    failure,
    verdicts: [...verdicts],
    verifications: withVerification(manifest.verifications, verification),
  };
}

/** Never a verdict on rows that are not those of the run. */
async function checkTables(folder: string, { sidecars }: Manifest): Promise<void> {
  for (const table of [RUN_FILES.samples, RUN_FILES.trajectory]) {
    const recorded = sidecars[table];
    if (recorded === undefined) continue;
    const path = join(folder, table);
    const actual = await hashOfFile(path);
    if (actual === recorded.sha256) continue;
    throw new AssayError('EVIDENCE_DAMAGED', `${path} has ${actual}, ${recorded.sha256} was recorded`, {
      hint: 'the run can no longer be judged: restore the file, or run the cell again',
    });
  }
}

function rejudged(folder: string, before: Manifest, after: Manifest): Rejudged {
  return {
    folder,
    manifest: after,
    before: judgementOf(before),
    after: judgementOf(after),
    changes: changesBetween(before.verdicts, after.verdicts),
  };
}

function judgementOf({ status, verification_hash, verdicts }: Manifest): Judgement {
  // The manifest's schema has checked its form.
  return { status, verificationHash: verification_hash as Sha256, verdicts };
}

function changesBetween(before: readonly Verdict[], after: readonly Verdict[]): readonly VerdictChange[] {
  const benchmarks = new Set([...before, ...after].map(({ benchmark }) => benchmark));
  const verdictOn = (verdicts: readonly Verdict[], benchmark: string): Verdict | null =>
    verdicts.find((verdict) => verdict.benchmark === benchmark) ?? null;
  return [...benchmarks]
    .map((benchmark) => ({
      benchmark,
      before: verdictOn(before, benchmark),
      after: verdictOn(after, benchmark),
    }))
    .filter(
      (change) => change.before?.outcome !== change.after?.outcome || change.before?.margin !== change.after?.margin,
    );
}
