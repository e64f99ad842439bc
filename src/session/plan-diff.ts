import { isAbsolute, join, relative, resolve } from 'node:path';
import { benchmarkOf } from '../config/benchmark.ts';
import type { Cell } from '../config/cell.ts';
import { workloadInputs } from '../config/identity.ts';
import { isNamedBy } from '../config/only-cells.ts';
import type { Threshold } from '../config/threshold.ts';
import { changedFields } from '../core/changed-fields.ts';
import type { FieldChange } from '../core/changed-fields.ts';
import { AssayError } from '../core/errors.ts';
import { groupBy } from '../core/group-by.ts';
import type { Framework } from '../lifecycle/adapter.ts';
import { isAbsentPath } from './config-files.ts';
import { findRepository, withYamlAtRef } from './files-at-ref.ts';
import type { FolderAtRef } from './files-at-ref.ts';
import { planSession } from './plan.ts';
import type { PlannedCell, SessionOptions, SessionPlan } from './plan.ts';

/** The part of a plan that can be compared with another. */
export type PlannedCells = Pick<SessionPlan, 'cells'>;

/** What lies between two plans: each cell, by its key, is in exactly one of the lists or unchanged. */
export interface PlanDiff {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly moved: readonly MovedCell[];
  /** Cells with another workload hash: what was measured before says nothing of them. */
  readonly relaunched: readonly RelaunchedCell[];
  /** Cells with the same workload hash and another verification hash. */
  readonly rejudged: readonly RejudgedCell[];
  readonly unchanged: number;
}

/** A cell with the same workload hash under another key. */
export interface MovedCell {
  readonly from: string;
  readonly to: string;
  /** What it is judged by anew; empty when only the key changed. */
  readonly changes: readonly ThresholdChange[];
}

/** A cell that must be launched again, and which inputs of its workload changed. */
export interface RelaunchedCell {
  readonly key: string;
  readonly changes: readonly FieldChange[];
  /** What it is judged by anew besides; empty when nothing is. */
  readonly thresholds: readonly ThresholdChange[];
}

/** A cell whose stored runs only have to be judged again, and which thresholds changed. */
export interface RejudgedCell {
  readonly key: string;
  readonly changes: readonly ThresholdChange[];
}

/**
 * A change of the threshold that answers a benchmark. The path is that of a field inside of the threshold;
 * empty when the whole threshold is new or gone.
 */
export interface ThresholdChange extends FieldChange {
  readonly benchmark: string;
}

/** Tells two plans apart by the hashes of their cells. Both must be made by the same frameworks. */
export function comparePlans(before: PlannedCells, after: PlannedCells): PlanDiff {
  const old = byKey(before);
  const current = byKey(after);
  const kept = after.cells.flatMap((now): readonly Pair[] => {
    const was = old.get(now.cell.key);
    return was === undefined ? [] : [{ was, now }];
  });
  const relaunched = kept.filter((pair) => !isSameWorkload(pair));
  const rejudged = kept.filter((pair) => isSameWorkload(pair) && !isJudgedAlike(pair));
  return {
    ...findMoved(
      before.cells.filter(({ cell }) => !current.has(cell.key)),
      after.cells.filter(({ cell }) => !old.has(cell.key)),
    ),
    relaunched: relaunched.map((pair) => ({
      key: pair.now.cell.key,
      changes: changedWorkload(pair),
      thresholds: changedThresholds(pair),
    })),
    rejudged: rejudged.map((pair) => ({ key: pair.now.cell.key, changes: changedThresholds(pair) })),
    unchanged: kept.length - relaunched.length - rejudged.length,
  };
}

interface Pair {
  readonly was: PlannedCell;
  readonly now: PlannedCell;
}

function byKey({ cells }: PlannedCells): ReadonlyMap<string, PlannedCell> {
  return new Map(cells.map((planned) => [planned.cell.key, planned]));
}

function isSameWorkload({ was, now }: Pair): boolean {
  return workloadHash(was) === workloadHash(now);
}

function isJudgedAlike({ was, now }: Pair): boolean {
  return was.identity.verificationHash === now.identity.verificationHash;
}

/** Takes the cells that only got another key out of those that went and those that came. */
function findMoved(
  gone: readonly PlannedCell[],
  came: readonly PlannedCell[],
): Pick<PlanDiff, 'added' | 'removed' | 'moved'> {
  const left = new Map([...groupBy(gone, workloadHash)].map(([hash, cells]) => [hash, new Set(cells)]));
  const added: string[] = [];
  const moved: MovedCell[] = [];
  for (const now of came) {
    const alike = left.get(workloadHash(now)) ?? new Set<PlannedCell>();
    const was = [...alike].find(({ cell }) => cell.cellId === now.cell.cellId) ?? [...alike][0];
    if (was === undefined) {
      added.push(now.cell.key);
      continue;
    }
    alike.delete(was);
    moved.push({ from: was.cell.key, to: now.cell.key, changes: changedThresholds({ was, now }) });
  }
  const taken = new Set(moved.map(({ from }) => from));
  const removed = gone.map(({ cell }) => cell.key).filter((key) => !taken.has(key));
  return { added, removed, moved };
}

function workloadHash({ identity }: PlannedCell): string {
  return identity.workloadHash;
}

function changedWorkload({ was, now }: Pair): readonly FieldChange[] {
  return changedFields(inputsOf(was), inputsOf(now));
}

// The launch version belongs to the framework, which is the same on both sides or named as changed.
function inputsOf({ cell, inputs }: PlannedCell): unknown {
  return workloadInputs(cell, { ...inputs, launchVersion: 0 });
}

function changedThresholds({ was, now }: Pair): readonly ThresholdChange[] {
  const [before, after] = [byBenchmark(was.cell), byBenchmark(now.cell)];
  const benchmarks = [...new Set([...before.keys(), ...after.keys()])];
  return benchmarks.flatMap((benchmark) =>
    changedThreshold(before.get(benchmark), after.get(benchmark)).map((change) => ({ benchmark, ...change })),
  );
}

function byBenchmark({ thresholds }: Cell): ReadonlyMap<string, Threshold> {
  return new Map(thresholds.map(({ threshold }) => [benchmarkOf(threshold), threshold]));
}

function changedThreshold(before: Threshold | undefined, after: Threshold | undefined): readonly FieldChange[] {
  if (before === undefined || after === undefined) return [{ path: '', before, after }];
  return changedFields(before, after);
}

/**
 * What the session would have planned with the configs of a git ref, and with today's cluster file,
 * frameworks and environment. No config there gives no cells. The folders that the cells name are gone.
 *
 * @throws AssayError USAGE without git, repository or ref, and for configs outside of the repository;
 *   CONFIG_INVALID when the configs of the ref do not load.
 */
export async function planAtRef(
  ref: string,
  options: SessionOptions,
  frameworks: readonly Framework[],
): Promise<PlannedCells> {
  const at = await findRepository(ref, options.root);
  const configs = options.configs.map((pattern) => insideRepository(pattern, options.root, at));
  const cluster = options.cluster === null ? null : resolve(options.root, options.cluster);
  return withYamlAtRef(at, (top) => {
    const root = join(top, at.folder);
    // A config that is new since then is no mistake.
    const present = configs.filter((pattern) => !isAbsentPath(pattern, root));
    const old = { ...options, root, configs: present, cluster, onlyCells: [] };
    // Of the ref only the configs are laid out: what they name is taken for what lies there today.
    const filesOf = (configFolder: string): string => join(at.top, relative(top, configFolder));
    const { cells } = planOld(ref, () => planSession(old, frameworks, filesOf));
    // Of those that are asked for today, the past need have none.
    const isAsked = isNamedBy(options.onlyCells);
    return { cells: options.onlyCells.length === 0 ? cells : cells.filter(({ cell }) => isAsked(cell)) };
  });
}

/** A pattern of config files, relative to the root in whichever folder the repository is laid out. */
function insideRepository(pattern: string, root: string, { ref, top, folder }: FolderAtRef): string {
  const realRoot = join(top, folder);
  const path = resolve(realRoot, relative(root, resolve(root, pattern)));
  const fromTop = relative(top, path);
  if (!fromTop.startsWith('..') && !isAbsolute(fromTop)) return relative(realRoot, path);
  throw new AssayError('USAGE', `--diff ${ref}: the configs ${pattern} are not in the repository ${top}`, {
    hint: 'name configs inside of it, or leave --diff out',
  });
}

function planOld(ref: string, plan: () => PlannedCells): PlannedCells {
  try {
    return plan();
  } catch (thrown) {
    if (!(thrown instanceof AssayError)) throw thrown;
    // No file matches: every cell is new since then.
    if (thrown.code === 'USAGE') return { cells: [] };
    const lines = thrown.message.split('\n');
    const ofRef = lines.slice(0, -1).map((line) => `${ref}:${line}`);
    throw new AssayError(thrown.code, [...ofRef, ...lines.slice(-1)].join('\n'), {
      hint: `compare with a ref whose configs load; those of ${ref} do not`,
      cause: thrown,
    });
  }
}
