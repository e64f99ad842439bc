import { join } from 'node:path';
import { AssayError, messageOf } from '../../core/errors.ts';
import { shortHash } from '../../core/hash.ts';
import { nearest } from '../../core/nearest.ts';
import type { Manifest } from '../../evidence/manifest.ts';
import { manifestSchema } from '../../evidence/manifest.ts';
import { RUN_FILES } from '../../evidence/run-folder.ts';
import { checkEvidence, readManifest } from '../../evidence/run-reader.ts';
import type { Verdict } from '../../evidence/verdict.ts';
import { foldersIn, newestFirst, readJsonOrNull } from './cell-runs.ts';
import { NearestRuns } from './nearest-run.ts';
import type { Miss } from './nearest-run.ts';
import type { PlannedCell } from '../plan.ts';
import { isJudgeable, isJudgedLikeToday, rejudge, wasEnforced } from './rejudge.ts';
import type { Rejudged, VerdictChange } from './rejudge.ts';

const REUSE_MODES = ['off', 'prefer', 'only'] as const;

/**
 * Whether a stored run may stand for a launch: never; where there is one; or always, so that nothing is launched and a
 * cell without one is skipped.
 */
export type ReuseMode = (typeof REUSE_MODES)[number];

/**
 * Reads a mode that somebody wrote; `where` names what it was written to, as in `ASSAY_REUSE=`.
 *
 * @throws AssayError USAGE for anything else.
 */
export function parseReuse(text: string, where: string): ReuseMode {
  const mode = REUSE_MODES.find((known) => known === text);
  if (mode !== undefined) return mode;
  const meant = nearest(text, REUSE_MODES);
  throw new AssayError('USAGE', `${where}${text}: stored runs are reused off, prefer or only`, {
    hint: meant === null ? 'write one of off, prefer, only' : `did you mean ${meant}?`,
  });
}

/** How a stored run came to be judged anew. */
export interface JudgedAgain {
  readonly what: 'thresholds' | 'enforce' | 'the way runs are judged';
  /** What of it, in words: `ttft_p99 50 -> 90`. */
  readonly changes: readonly string[];
  /** The verdicts that came out otherwise than before. */
  readonly verdicts: readonly VerdictChange[];
}

/** A stored run that stands for a launch. */
export interface Hit {
  readonly state: 'hit';
  /** Absolute. */
  readonly folder: string;
  /** As it is now. */
  readonly manifest: Manifest;
  /** Null where it was judged like today when it was judged last. */
  readonly judgedAgain: JudgedAgain | null;
}

/** A stored run of the very same workload that cannot be judged any more. */
export interface DamagedRun {
  readonly folder: string;
  readonly reason: string;
}

/** What was found for a cell, and the newer runs that had to be passed over for it. */
export type Lookup = (Hit | (Miss & { readonly state: 'miss' })) & { readonly damaged: readonly DamagedRun[] };

const cachedSchema = manifestSchema
  .pick({ run_id: true, workload_hash: true, status: true, verifications: true, imported: true })
  .strip();

/**
 * The id of the stored run that would stand for a launch of a cell, as far as manifests tell: neither are its files
 * checked nor is it judged. Null where there is none. Looks only into the folder of the cell's workload.
 */
export function cachedRun({ cell, identity }: PlannedCell, artifacts: string): string | null {
  const { workloadHash } = identity;
  for (const folder of newestFirst(join(artifacts, cell.workload.test_id, cell.cellId, shortHash(workloadHash)))) {
    const { data: run } = cachedSchema.safeParse(readJsonOrNull(join(folder, RUN_FILES.manifest)));
    const isSame = run?.workload_hash === workloadHash && run.imported === null;
    if (run !== undefined && isSame && isJudgeable(run)) return run.run_id;
  }
  return null;
}

/** Finds the stored runs of an artifact directory that are those of a cell. */
export class StoredRuns {
  readonly #artifacts: string;
  readonly #nearest: NearestRuns;

  constructor(artifacts: string) {
    this.#artifacts = artifacts;
    this.#nearest = new NearestRuns(artifacts);
  }

  /** Whether any run of a cell is stored, of whichever workload. */
  hasRunsOf({ cell }: PlannedCell): boolean {
    return foldersIn(join(this.#artifacts, cell.workload.test_id, cell.cellId)).length > 0;
  }

  /**
   * Looks for the newest complete run with a cell's workload hash and judges it by today's thresholds, if it was not
   * judged that way last; without one it says why. Every file is compared by size, and all but logs and attachments
   * by hash: figures, verdicts and events come from those, and a log may have gigabytes.
   *
   * @throws AssayError EVIDENCE_UNWRITABLE or EVIDENCE_LOCKED where a run cannot be judged again.
   */
  async find(planned: PlannedCell): Promise<Lookup> {
    const { cell, identity } = planned;
    if (identity.isPending && this.hasRunsOf(planned)) return { state: 'miss', ...withoutDigest(planned), damaged: [] };
    const damaged: DamagedRun[] = [];
    const incomplete: string[] = [];
    const ofWorkload = join(this.#artifacts, cell.workload.test_id, cell.cellId, shortHash(identity.workloadHash));
    const folders = newestFirst(ofWorkload, (folder, { message: reason }) => void damaged.push({ folder, reason }));
    for (const folder of folders) {
      const found = await lookInto(folder, planned);
      if (found.state === 'hit') return { ...found, damaged };
      if (found.state === 'damaged') damaged.push({ folder, reason: found.reason });
      if (found.state !== 'other') incomplete.push(found.state);
    }
    const miss =
      incomplete.length === 0
        ? this.#nearest.explain(planned)
        : { reason: `no run of this workload is complete (${counted(incomplete)})`, nearest: null };
    return { state: 'miss', ...miss, damaged };
  }
}

function withoutDigest({ cell }: PlannedCell): Miss {
  const image = cell.workload.container?.image ?? '';
  return { reason: `${image} has no digest here, and container.digest does not pin it`, nearest: null };
}

function counted(words: readonly string[]): string {
  return [...new Set(words)].map((word) => `${words.filter((one) => one === word).length} ${word}`).join(', ');
}

type Found =
  | Hit
  | { readonly state: 'damaged'; readonly reason: string }
  /** Its status, or where it comes from. */
  | { readonly state: Manifest['status'] | 'imported' }
  /** A run of another workload. */
  | { readonly state: 'other' };

async function lookInto(folder: string, planned: PlannedCell): Promise<Found> {
  try {
    const manifest = readManifest(folder);
    if (manifest.workload_hash !== planned.identity.workloadHash) return { state: 'other' };
    if (manifest.imported !== null) return { state: 'imported' };
    if (!isJudgeable(manifest)) return { state: manifest.status };
    await checkEvidence(folder, manifest, { hashes: 'figures' });
    return await judgeToday(folder, manifest, planned);
  } catch (thrown) {
    if (!(thrown instanceof AssayError) || !isDamage(thrown)) throw thrown;
    return { state: 'damaged', reason: messageOf(thrown) };
  }
}

function isDamage({ code }: AssayError): boolean {
  return code === 'EVIDENCE_MISSING' || code === 'EVIDENCE_DAMAGED';
}

/**
 * A run of a cell's workload by today's thresholds: judged again where it was not judged that way last.
 *
 * @throws AssayError EVIDENCE_MISSING or EVIDENCE_DAMAGED where it cannot be judged any more.
 */
export async function judgeToday(folder: string, manifest: Manifest, planned: PlannedCell): Promise<Hit> {
  if (isJudgedLikeToday(manifest, planned)) return { state: 'hit', folder, manifest, judgedAgain: null };
  const rejudged = await rejudge(folder, planned);
  const judgedAgain = { ...whyAgain(manifest, rejudged, planned), verdicts: rejudged.changes };
  return { state: 'hit', folder, manifest: rejudged.manifest, judgedAgain };
}

function whyAgain(before: Manifest, { manifest }: Rejudged, { cell }: PlannedCell): Omit<JudgedAgain, 'verdicts'> {
  const benchmarks = [...new Set([...before.verdicts, ...manifest.verdicts].map(({ benchmark }) => benchmark))];
  const thresholds = benchmarks.flatMap((name) => changeOf(name, verdictOn(before, name), verdictOn(manifest, name)));
  if (thresholds.length > 0) return { what: 'thresholds', changes: thresholds };
  const { enforce } = cell.workload;
  if (wasEnforced(before) !== enforce) return { what: 'enforce', changes: [`${!enforce} -> ${enforce}`] };
  return { what: 'the way runs are judged', changes: [] };
}

function verdictOn({ verdicts }: Manifest, benchmark: string): Verdict | undefined {
  return verdicts.find((verdict) => verdict.benchmark === benchmark);
}

function changeOf(name: string, before: Verdict | undefined, after: Verdict | undefined): readonly string[] {
  if (before === undefined) return [`${name} new`];
  if (after === undefined) return [`${name} gone`];
  if (before.op === after.op && before.expected === after.expected) return [];
  const isTurned = before.op !== after.op;
  const [was, is] = [before, after].map(({ op, expected }) => (isTurned ? `${op} ${expected}` : String(expected)));
  return [`${name} ${was} -> ${is}`];
}
