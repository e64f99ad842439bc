import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { identityIn, identityText } from '../../core/process-start.ts';
import { writeFileAtomically } from '../atomic-file.ts';

const liveRunSchema = z.strictObject({
  run_id: z.string(),
  /** The runs whose label may be on what this one uses: its own, and those whose servers it took over. */
  labels: z.array(z.string()),
  /** The run directory, absolute. */
  folder: z.string(),
  /** How its hosts are reached, for whoever cleans up behind it. */
  on: z.record(z.string(), z.unknown()),
  /** The process that answers for the run, and its machine: the directory may be shared between machines. */
  holder: z.strictObject({
    hostname: z.string(),
    pid: z.number(),
    started: z.string().nullable(),
    view: z.string().exactOptional(),
  }),
  /** Where the job host's own last words are, absolute; null before it is started. */
  output: z.string().nullable(),
  /** Which environment variables hold its secrets: whoever adds to its evidence must know what to leave out. */
  secrets: z.record(z.string(), z.strictObject({ env_var: z.string() })),
});

/** A run that was started in an artifact directory and not yet seen to end. */
export type LiveRun = z.output<typeof liveRunSchema>;

/** A process and its machine. */
export type Holder = LiveRun['holder'];

/** The note of a dead run, in the hands of whoever cleans up behind it. */
export interface Claim {
  /** All of it is cleaned up. */
  forget(): void;
  /** Something may be left: others may try. */
  giveBack(): void;
}

// Beside the runs, so that finding the few that are live never means reading all that ended.
const FOLDER = '.live';

// Whoever writes a note renames it within moments.
const HALF_WRITTEN_MS = 60_000;

const CLAIM = /^(?<runId>.+)\.json\.(?<claimer>\d+-.+)\.claim$/;

/** Notes a run as live, for a later session to find should this one die. */
export function noteLive(artifacts: string, run: LiveRun): void {
  mkdirSync(join(artifacts, FOLDER), { recursive: true });
  writeFileAtomically(pathOf(artifacts, run.run_id), JSON.stringify(run));
}

/** Where a job host prints what it can print nowhere else; the folder is made when a run is noted. */
export function jobHostOutput(artifacts: string, runId: string): string {
  return join(artifacts, FOLDER, `${runId}.out`);
}

/** Forgets a run that has ended. */
export function forgetLive(artifacts: string, runId: string): void {
  rmSync(pathOf(artifacts, runId), { force: true });
}

/** Takes the note of a dead run away, for one to clean up behind it; null when it is not there, or not to be had. */
export function claimLive(artifacts: string, runId: string, by: Holder): Claim | null {
  const note = pathOf(artifacts, runId);
  const claimed = `${note}.${identityText(by)}.claim`;
  if (!renamed(note, claimed)) return null;
  return {
    forget: () => rmSync(claimed, { force: true }),
    giveBack: () => void renamed(claimed, note),
  };
}

/** Whether somebody cleans up behind a run. */
export function isClaimed(artifacts: string, runId: string): boolean {
  return claimsIn(artifacts).some((claim) => claim.runId === runId);
}

/** Gives back what those claimed who are over themselves. */
export function returnClaims(artifacts: string, isOver: (claimer: Holder) => boolean): void {
  for (const { name, runId, claimer } of claimsIn(artifacts)) {
    if (isOver(claimer)) renamed(join(artifacts, FOLDER, name), pathOf(artifacts, runId));
  }
}

/** Removes what killed sessions left beside the notes: notes half written, and files of job hosts that printed nothing. */
export function sweepLive(artifacts: string): void {
  const folder = join(artifacts, FOLDER);
  // Listed before the notes are read: a run is noted before its job host has a file.
  const names = namesIn(folder);
  const spokenOf = new Set([
    ...listLive(artifacts).flatMap(({ run_id: id, output }) => [`${id}.out`, basename(output ?? '')]),
    ...claimsIn(artifacts).map(({ runId }) => `${runId}.out`),
  ]);
  const isLeft = (name: string): boolean => {
    const { size, mtimeMs } = statSync(join(folder, name), { throwIfNoEntry: false }) ?? { size: 0, mtimeMs: 0 };
    const isHalfWritten = name.endsWith('.tmp') && Date.now() - mtimeMs > HALF_WRITTEN_MS;
    return isHalfWritten || (name.endsWith('.out') && size === 0 && !spokenOf.has(name));
  };
  for (const name of names) {
    try {
      if (isLeft(name)) rmSync(join(folder, name), { force: true });
    } catch {
      // Another user's, say: it is in nobody's way.
    }
  }
}

/** The runs noted as live; a note that cannot be read, or that somebody claimed, is left out. */
export function listLive(artifacts: string): readonly LiveRun[] {
  const notes = namesIn(join(artifacts, FOLDER)).filter((name) => name.endsWith('.json'));
  return notes.flatMap((name) => {
    try {
      return [liveRunSchema.parse(JSON.parse(readFileSync(join(artifacts, FOLDER, name), 'utf8')))];
    } catch {
      return [];
    }
  });
}

interface ClaimFile {
  readonly name: string;
  readonly runId: string;
  readonly claimer: Holder;
}

function claimsIn(artifacts: string): readonly ClaimFile[] {
  return namesIn(join(artifacts, FOLDER)).flatMap((name) => {
    const found = CLAIM.exec(name)?.groups;
    if (found === undefined) return [];
    const { runId = '', claimer: text = '' } = found;
    const claimer = identityIn(text);
    return claimer === null ? [] : [{ name, runId, claimer }];
  });
}

/** Whether this call renamed it: of several at once one does. */
function renamed(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch {
    return false;
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function pathOf(artifacts: string, runId: string): string {
  return join(artifacts, FOLDER, `${runId}.json`);
}
