import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { TestCase, TestModule } from 'vitest/node';
import { RUN_FILES } from '../../evidence/run-folder.ts';
import { readManifest } from '../../evidence/run-reader.ts';
import { asJudgedBy } from '../../evidence/verification.ts';
import type { PlannedCell } from '../../session/plan.ts';
import type { PlannedClaim } from '../../session/planned-claim.ts';
import type { SessionEvent } from '../../session/events.ts';
import type { ClaimMeta } from '../claims/provided.ts';
import { testsIn } from './tests-in.ts';
import type { FailedClaim, JudgedRun, NamedCell, PassSummary } from './summary/pass-summary.ts';

type Ended = Extract<SessionEvent, { readonly type: 'ended' }>;
type Reused = Extract<SessionEvent, { readonly type: 'reused' }>;

/** What of a pass its claims and the cells tell; the rest is the session's. */
export type PassOutcome = Pick<
  PassSummary,
  'runs' | 'reused' | 'standing' | 'missed' | 'benchmarks' | 'skipped' | 'notRun' | 'claims'
> & {
  /** How many of its claims came to no end. */
  readonly pending: number;
  /** The cells that were asked for and can run nowhere here. */
  readonly unfit: readonly PlannedCell[];
};

/** One test run of Vitest: the claims that it is to make, and what happens to their cells meanwhile. */
export class Pass {
  /** What is registered in it. */
  readonly claims: readonly PlannedClaim[];
  readonly #startedMs = performance.now();
  readonly #ended: Ended[] = [];
  /** The stored runs that stand for launches. */
  readonly #reused: Reused[] = [];
  /** Why no stored run stands for a cell, by its key. */
  readonly #misses = new Map<string, string>();
  /** Cells that were launched for that reason. */
  readonly #missed: PassSummary['missed'][number][] = [];
  /** Cells that were to run and were not launched after all, with why. */
  readonly #refused: PlannedCell[] = [];
  /** The keys of the cells of which it is known in this pass what became of them. */
  readonly #settled = new Set<string>();

  constructor(claims: readonly PlannedClaim[]) {
    this.claims = claims;
  }

  get elapsedMs(): number {
    return performance.now() - this.#startedMs;
  }

  onEvent(event: SessionEvent): void {
    switch (event.type) {
      case 'ended':
        this.#ended.push(event);
        break;
      case 'reused':
        this.#reused.push(event);
        break;
      case 'refused':
        this.#refused.push({ ...event.planned, skip: event.skip });
        break;
      case 'missed':
        this.#misses.set(event.planned.cell.key, event.miss.reason);
        if (event.skip === null) return;
        this.#refused.push({ ...event.planned, skip: event.skip });
        break;
      case 'started':
        this.#launched(event.planned);
        return;
      default:
        return;
    }
    this.#settled.add(event.planned.cell.key);
  }

  #launched(planned: PlannedCell): void {
    const reason = this.#misses.get(planned.cell.key);
    if (reason !== undefined) this.#missed.push({ ...nameOf(planned), reason });
  }

  /** What it came to, by the tests that ran in it. */
  outcome(modules: readonly TestModule[]): PassOutcome {
    const cells = new Map<string, PlannedCell>();
    for (const { planned } of this.claims) cells.set(planned.cell.key, planned);
    const { passed, failed, pending, standing } = this.#tally(modules, cells);
    const runs = this.#ended.map((ended) => ({ ...readRun(ended), path: ended.folder }));
    const reused = this.#reused.map((event) => ({
      ...readRun(event),
      path: event.folder,
      judgedAgain: event.judgedAgain,
    }));
    const byPath = new Map([...runs, ...reused, ...standing].map((run) => [run.path, run]));
    const unfit = [...cells.values()].filter(({ skip }) => skip !== null);
    return {
      runs,
      reused,
      standing,
      missed: this.#missed,
      benchmarks: new Set(this.claims.map(({ claim }) => claim.benchmark)),
      skipped: [...unfit, ...this.#refused].flatMap((cell) =>
        cell.skip === null ? [] : [{ ...nameOf(cell), reason: cell.skip.detail }],
      ),
      notRun: [...cells.values()].filter(({ skip, cell }) => skip === null && !this.#settled.has(cell.key)).map(nameOf),
      claims: { passed, failed: failed.map((claim) => failedClaim(claim, byPath.get(claim.meta.run ?? ''))) },
      pending,
      unfit,
    };
  }

  /** What the claims among the tests say, and the runs that they judged although nothing happened to their cells. */
  #tally(modules: readonly TestModule[], cells: ReadonlyMap<string, PlannedCell>): Tally {
    const files = new Set(this.claims.map(({ claim }) => claim.file));
    const ours = modules.filter(({ moduleId }) => files.has(moduleId));
    const standing = new Map<string, PlannedCell>();
    const failed: JudgedClaim[] = [];
    let passed = 0;
    let pending = 0;
    for (const test of testsIn(ours)) {
      const { state } = test.result();
      // It would say what it is about when it begins.
      if (state === 'pending') pending += 1;
      const meta = test.meta().assay;
      const planned = cells.get(meta?.cell ?? '');
      // Another project of this Vitest may make claims about cells of its own.
      if (meta === undefined || planned === undefined) continue;
      if (state === 'passed') passed += 1;
      if (state === 'failed') failed.push({ test, meta, planned });
      if (meta.run !== undefined && !this.#settled.has(meta.cell)) standing.set(meta.run, planned);
    }
    // The runs of merged reports may lie elsewhere.
    const here = [...standing].filter(([path]) => existsSync(join(path, RUN_FILES.manifest)));
    const runs = here.map(([path, planned]) => ({ ...readRun({ planned, folder: path }), path }));
    return { passed, failed, pending, standing: runs };
  }
}

interface Tally {
  readonly passed: number;
  readonly pending: number;
  readonly failed: readonly JudgedClaim[];
  readonly standing: readonly RunAt[];
}

interface JudgedClaim {
  readonly test: TestCase;
  readonly meta: ClaimMeta;
  readonly planned: PlannedCell;
}

interface RunAt extends JudgedRun {
  /** Absolute. */
  readonly path: string;
}

function failedClaim(
  { planned, test, meta: { claim, verdict } }: JudgedClaim,
  run: JudgedRun | undefined,
): FailedClaim {
  return {
    ...nameOf(planned),
    name: claim,
    folder: run?.folder ?? null,
    missed: verdict === undefined || verdict.passed ? null : verdict,
    message: test.result().errors?.[0]?.message ?? '',
  };
}

/** A run as this session judged it, though another one may have judged it by its own thresholds since. */
function readRun({ planned, folder }: { readonly planned: PlannedCell; readonly folder: string }): JudgedRun {
  const manifest = asJudgedBy(folder, readManifest(folder), planned.identity.verificationHash);
  return { manifest, folder: relative(process.cwd(), folder) };
}

function nameOf({ cell }: Pick<PlannedCell, 'cell'>): NamedCell {
  return { testId: cell.workload.test_id, cellId: cell.cellId };
}
