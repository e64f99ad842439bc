import { appendFileSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../core/errors.ts';
import { scrubberOf } from '../core/scrubber.ts';
import type { Scrubber } from '../core/scrubber.ts';
import { presentSecrets } from '../core/secret.ts';
import { markInterrupted } from '../evidence/interrupted.ts';
import { claimLive, isClaimed, listLive, returnClaims, sweepLive } from '../evidence/store/live-runs.ts';
import type { Claim, Holder, LiveRun } from '../evidence/store/live-runs.ts';
import { RUN_FILES } from '../evidence/run-folder.ts';
import { readOwnManifest } from '../evidence/run-writer.ts';
import type { HostsSpec } from '../exec/hosts.ts';
import { endLeftovers } from '../exec/leftovers.ts';
import { isOver, processIdentity } from '../core/process-start.ts';
import type { RunEnd } from './job-messages.ts';

const LONGEST_COMPLAINT = 300;

// How often somebody who waits for another's clean-up looks again.
const CLAIMED_MS = 100;

/** What was cleaned up behind a run whose session and job host are gone. */
export interface Reaped {
  readonly runId: string;
  readonly folder: string;
  readonly status: RunEnd['status'] | null;
  /** Processes, containers and allocations that were ended; null when a host could not tell. */
  readonly ended: number | null;
  /** Hosts of which nobody can say that nothing is left there, each with the reason. */
  readonly unconfirmed: readonly string[];
}

/** This process. */
export function ownHolder(): Holder {
  return processIdentity();
}

/**
 * Ends what a dead job host left running, by its run label, and gives the run a
 * truthful end. A run that had ended by itself keeps its status. Its note goes unless something may be left.
 */
export async function reapRun(artifacts: string, note: LiveRun, reason: string): Promise<RunEnd> {
  const { ended, status, unconfirmed } = await reapClaimed(await claimed(artifacts, note), note, reason);
  if (status === null) throw new Error(`${note.folder} is gone`);
  return { status, isKept: false, isClean: ended !== null && unconfirmed.length === 0 };
}

/** The claim on a note, once nobody else has it; null when the note is gone by then. */
async function claimed(artifacts: string, { run_id: runId }: LiveRun): Promise<Claim | null> {
  for (;;) {
    const claim = claimLive(artifacts, runId, ownHolder());
    if (claim !== null || !isClaimed(artifacts, runId)) return claim;
    await delay(CLAIMED_MS);
    returnClaims(artifacts, isOver);
  }
}

async function reapClaimed(claim: Claim | null, note: LiveRun, reason: string): Promise<Reaped> {
  try {
    const reaped = await reapNoted(note, reason);
    if (reaped.unconfirmed.length === 0) claim?.forget();
    return reaped;
  } finally {
    // Does nothing when it is forgotten.
    claim?.giveBack();
  }
}

async function reapNoted(note: LiveRun, reason: string): Promise<Reaped> {
  const { folder, labels, on, run_id: runId, output, secrets } = note;
  // Written by this version for itself: the note is a request that was valid.
  const { count, unconfirmed } = await endLeftovers(on as unknown as HostsSpec, labels);
  const base = { runId, folder, ended: count, unconfirmed };
  // A session that died before the first manifest leaves a folder that says nothing.
  if (!existsSync(join(folder, RUN_FILES.manifest))) {
    rmSync(folder, { recursive: true, force: true });
    return { ...base, status: null };
  }
  const scrubber = scrubberOf(Object.values(presentSecrets(secrets, process.env)));
  const complaint = keepLastWords(folder, output, scrubber);
  const why = complaint === null ? reason : `${reason}: ${complaint}`;
  return { ...base, status: await markInterrupted(folder, { reason: why, orphans: count, unconfirmed }, scrubber) };
}

/** Adds what the job host printed outside of any run to the run it died with; answers the line that says why. */
function keepLastWords(folder: string, output: string | null, scrubber: Scrubber): string | null {
  if (output === null || !existsSync(output)) return null;
  const words = scrubber.scrub(readFileSync(output, 'utf8'));
  // The files of a run that had ended by itself are hashed.
  if (words !== '' && readOwnManifest(folder).status === 'running')
    appendFileSync(join(folder, RUN_FILES.stderr), words);
  rmSync(output, { force: true });
  const complaint = words.split('\n').find((line) => /^(\w*Error\b|FATAL ERROR)/.test(line));
  return complaint?.slice(0, LONGEST_COMPLAINT) ?? null;
}

/**
 * Reaps the runs of this machine's sessions that died together with their job host. What another
 * machine started in a shared directory only that machine can know to be dead.
 */
export async function reapDeadRuns(artifacts: string): Promise<readonly Reaped[]> {
  returnClaims(artifacts, isOver);
  const dead = listLive(artifacts).flatMap((note) => {
    const claim = isOver(note.holder) ? claimLive(artifacts, note.run_id, ownHolder()) : null;
    return claim === null ? [] : [{ note, claim }];
  });
  const all = await Promise.all(
    dead.map(({ note, claim }) =>
      reapClaimed(claim, note, 'the session and its job host died').catch(
        // One directory that was deleted meanwhile must not keep a session from starting.
        (thrown: unknown): Reaped => ({ ...emptyOf(note), unconfirmed: [messageOf(thrown)] }),
      ),
    ),
  );
  sweepLive(artifacts);
  return all;
}

function emptyOf({ run_id: runId, folder }: LiveRun): Omit<Reaped, 'unconfirmed'> {
  return { runId, folder, status: null, ended: null };
}
