import { prepareArtifacts } from '../evidence/run-folder.ts';
import { readManifest } from '../evidence/run-reader.ts';
import type { Status } from '../evidence/failure.ts';
import type { SessionListener } from './events.ts';
import { Launcher } from './launcher.ts';
import { NodeLocks } from './node-locks.ts';
import { OwnRuns } from './own-runs.ts';
import { withImage } from './plan.ts';
import type { PlannedCell, SessionPlan } from './plan.ts';
import { NOT_RUN } from './scheduler.ts';
import type { CellOutcome } from './scheduler.ts';
import { recordSkip } from './start-run.ts';
import { isJudgeable } from './stored/rejudge.ts';
import { judgeToday, StoredRuns } from './stored/reuse.ts';
import type { Hit, ReuseMode } from './stored/reuse.ts';

/** What became of a cell: launched, not launched, or a stored run stands for it. */
export type RequestOutcome =
  | CellOutcome
  | { readonly state: 'reused'; readonly folder: string; readonly status: Status };

interface SessionSettings {
  /** What the sessions of this process share. */
  readonly shared?: SharedBySessions;
  /** `off` by default. */
  readonly reuse?: ReuseMode;
}

/** What the sessions of one process share: the nodes, and what was launched. */
export interface SharedBySessions {
  readonly locks: NodeLocks;
  readonly runs: OwnRuns;
}

/** Answers for the cells of a plan. */
export type CellRunner = Pick<
  Session,
  'plan' | 'replan' | 'beginPass' | 'request' | 'recordSkips' | 'cancel' | 'stop' | 'force'
>;

/** Answers what stands for each cell of a plan: a run of this process, a stored one, or a launch, each exactly once. */
export class Session {
  readonly #launcher: Launcher;
  readonly #own: OwnRuns;
  readonly #listen: SessionListener;
  readonly #reuse: ReuseMode;
  readonly #skipped = new Set<string>();
  /** Looking up and judging again. */
  readonly #working = new Set<Promise<unknown>>();
  #plan: SessionPlan;
  #cells: ReadonlyMap<string, PlannedCell>;
  #stored: StoredRuns;
  /** By the key of the cell, until another plan or another pass. */
  #outcomes = new Map<string, Promise<RequestOutcome>>();
  /** Digests of images by container and node, for cells that are looked up. */
  #digests = new Map<string, Promise<string | null>>();
  /** Cells are looked up one after the other, and launched in the order in which they were asked for. */
  #lookups: Promise<unknown> = Promise.resolve();
  #isStopped = false;
  /** Grows whenever what is under way is called off: what was to be looked up before is not launched any more. */
  #callsOff = 0;

  constructor(
    plan: SessionPlan,
    listen: SessionListener,
    { shared = { locks: new NodeLocks(), runs: new OwnRuns() }, reuse = 'off' }: SessionSettings = {},
  ) {
    this.#plan = plan;
    this.#cells = byKey(plan);
    this.#listen = listen;
    this.#reuse = reuse;
    this.#own = shared.runs;
    this.#stored = new StoredRuns(plan.artifacts);
    this.#launcher = new Launcher(() => this.#plan, listen, shared.locks);
  }

  /** The plan whose cells may be asked for. */
  get plan(): SessionPlan {
    return this.#plan;
  }

  /** Takes another plan: what was launched stands for every cell of it that is the same workload. */
  replan(plan: SessionPlan): void {
    this.#plan = plan;
    this.#cells = byKey(plan);
    this.#outcomes = new Map();
  }

  /** From now on a cell that could not be judged is tried again when it is asked for. */
  beginPass(): void {
    this.#outcomes = new Map();
    this.#digests = new Map();
    this.#stored = new StoredRuns(this.#plan.artifacts);
    this.#own.beginPass();
    this.#launcher.beginPass();
  }

  /** Launches a cell, unless this process did already or a stored run may stand for it, and waits for its end. */
  request(key: string): Promise<RequestOutcome> {
    const known = this.#outcomes.get(key);
    if (known !== undefined) return known;
    const planned = this.#cells.get(key);
    if (planned === undefined) return Promise.reject(new Error(`no cell ${key} in this session`));
    const outcome = this.#obtain(planned);
    this.#outcomes.set(key, outcome);
    return outcome;
  }

  /** Leaves evidence of the cells that are not run here, each once in a session. */
  async recordSkips(cells: Iterable<PlannedCell>): Promise<void> {
    for (const planned of cells) {
      const { skip, cell } = planned;
      if (skip === null || this.#skipped.has(cell.key)) continue;
      if (this.#skipped.size === 0) prepareArtifacts(this.#plan.artifacts);
      this.#skipped.add(cell.key);
      await recordSkip(planned, skip, this.#plan);
    }
  }

  /** Ends what is under way and waits until it is torn down; what is asked for later is launched again. */
  async cancel(): Promise<void> {
    this.#callsOff += 1;
    await Promise.allSettled([this.#launcher.cancel(), ...this.#working]);
  }

  /** Ends what is under way and waits until it is torn down. Launches nothing any more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.allSettled([this.#launcher.stop(), ...this.#working]);
  }

  /** Ends the live runs at once, and cleans up behind them from here; settles when that is done. */
  async force(): Promise<void> {
    this.#isStopped = true;
    await Promise.allSettled([this.#launcher.force(), ...this.#working]);
  }

  #obtain(planned: PlannedCell): Promise<RequestOutcome> {
    const isOwn = this.#own.of(planned, this.#plan.artifacts) !== undefined;
    if (isOwn || planned.skip !== null || this.#reuse === 'off') return this.#launch(planned);
    const callsOff = this.#callsOff;
    const unlessCalledOff = async <T>(go: () => Promise<T>): Promise<T | CellOutcome> =>
      this.#callsOff > callsOff ? NOT_RUN : go();
    const lookup = this.#lookups.then(() => unlessCalledOff(() => this.#tracked(this.#lookUp(planned))));
    this.#lookups = lookup.catch(() => undefined);
    return lookup.then((found) => found ?? unlessCalledOff(() => this.#launch(planned)));
  }

  async #launch(planned: PlannedCell): Promise<RequestOutcome> {
    const own = this.#own.obtain(planned, this.#plan.artifacts, () => this.#launcher.launch(planned));
    const outcome = await own.outcome;
    if (outcome.state !== 'ran' || own.planned === planned) return outcome;
    return this.#tracked(this.#judgeAgain(outcome, planned));
  }

  /** A run that this process launched by another plan, whose thresholds may have been others. */
  async #judgeAgain(
    ran: Extract<CellOutcome, { readonly state: 'ran' }>,
    planned: PlannedCell,
  ): Promise<RequestOutcome> {
    const manifest = readManifest(ran.folder);
    if (!isJudgeable(manifest)) return ran;
    const hit = await judgeToday(ran.folder, manifest, planned);
    return hit.judgedAgain === null ? ran : this.#reuseRun(planned, hit);
  }

  #reuseRun(planned: PlannedCell, { state: _state, ...hit }: Hit): RequestOutcome {
    this.#listen({ type: 'reused', planned, ...hit });
    return { state: 'reused', folder: hit.folder, status: hit.manifest.status };
  }

  /** What stands for a launch; null when the cell is to be launched. */
  async #lookUp(planned: PlannedCell): Promise<RequestOutcome | null> {
    if (this.#isStopped) return NOT_RUN;
    const { damaged, ...found } = await this.#stored.find(await this.#withImage(planned));
    for (const run of damaged) this.#listen({ type: 'damaged', planned, ...run });
    if (found.state === 'hit') return this.#reuseRun(planned, found);
    const { reason, nearest } = found;
    const skip = this.#reuse === 'only' ? { reason: 'not_cached', detail: `not_cached (${reason})` } : null;
    this.#listen({ type: 'missed', planned, miss: { reason, nearest }, skip });
    return skip === null ? null : { state: 'skipped', reason: skip.detail };
  }

  /** A cell with the digest of the image that its first host has, which is asked if the answer can matter. */
  async #withImage(planned: PlannedCell): Promise<PlannedCell> {
    const { cell, binding, identity } = planned;
    if (!identity.isPending || binding.state === 'unbound' || !this.#stored.hasRunsOf(planned)) return planned;
    const key = JSON.stringify([cell.workload.container, Object.values(binding.hosts)[0]?.[0]]);
    const digest = this.#digests.get(key) ?? this.#launcher.digestFor(planned);
    this.#digests.set(key, digest);
    return withImage(planned, await digest);
  }

  async #tracked<T>(work: Promise<T>): Promise<T> {
    this.#working.add(work);
    return work.finally(() => this.#working.delete(work));
  }
}

function byKey({ cells }: SessionPlan): ReadonlyMap<string, PlannedCell> {
  return new Map(cells.map((planned) => [planned.cell.key, planned]));
}
