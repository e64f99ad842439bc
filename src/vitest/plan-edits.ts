import { comparePlans } from '../session/plan-diff.ts';
import type { PlannedCells } from '../session/plan-diff.ts';
import type { PlannedCell } from '../session/plan.ts';

/** What an edit did to a plan, by the keys of cells. */
export interface PlanEdits {
  readonly added: readonly string[];
  readonly gone: readonly string[];
  /** Another workload than before, or on other nodes: launched again. */
  readonly changed: readonly string[];
  /** Cells that could run before and cannot any more. */
  readonly skipped: readonly string[];
  /** Cells that could not run before and can now. */
  readonly runnable: readonly string[];
  /** The same workload under other thresholds: judged again. */
  readonly rejudged: readonly string[];
  /** Cells that are only called otherwise. */
  readonly renamed: readonly string[];
  /** The test ids of the configs that these cells belong to. */
  readonly testIds: ReadonlySet<string>;
}

/** Compares two plans of a session. */
export function editsBetween(before: PlannedCells, after: PlannedCells): PlanEdits {
  const [was, is] = [byKey(before), byKey(after)];
  const diff = comparePlans(before, after);
  const hashed = new Set([...diff.relaunched, ...diff.rejudged].map(({ key }) => key));
  // What no hash knows: whether a cell can run, whether a miss fails it, what it is called.
  const unhashed = (isEdited: (old: PlannedCell, cell: PlannedCell) => boolean): readonly string[] =>
    [...is].flatMap(([key, cell]) => {
      const old = was.get(key);
      return old !== undefined && !hashed.has(key) && isEdited(old, cell) ? [key] : [];
    });
  const changed = [...diff.relaunched.map(({ key }) => key), ...unhashed(isSkippedOtherwise)];
  const canRun = (cells: ReadonlyMap<string, PlannedCell>, key: string): boolean => cells.get(key)?.skip === null;
  const edits = {
    added: [...diff.added, ...diff.moved.map(({ to }) => to)],
    gone: [...diff.removed, ...diff.moved.map(({ from }) => from)],
    changed: changed.filter((key) => canRun(was, key) === canRun(is, key)),
    skipped: changed.filter((key) => canRun(was, key) && !canRun(is, key)),
    runnable: changed.filter((key) => !canRun(was, key) && canRun(is, key)),
    rejudged: [
      ...diff.rejudged.map(({ key }) => key),
      ...unhashed((old, cell) => !isSkippedOtherwise(old, cell) && isEnforcedOtherwise(old, cell)),
    ],
    renamed: unhashed(
      (old, cell) => !isSkippedOtherwise(old, cell) && !isEnforcedOtherwise(old, cell) && nameOf(old) !== nameOf(cell),
    ),
  };
  const touched = Object.values(edits).flat();
  const testIds = touched.map((key) => (is.get(key) ?? was.get(key))?.cell.workload.test_id ?? '');
  return { ...edits, testIds: new Set(testIds) };
}

/** `1 new cell · 3 cells under other thresholds`; empty where nothing changed. */
export function describeEdits({ added, gone, changed, skipped, runnable, rejudged, renamed }: PlanEdits): string {
  const parts: readonly (readonly [readonly string[], string])[] = [
    [added, 'new'],
    [changed, 'another workload now'],
    [skipped, 'cannot run any more'],
    [runnable, 'can run now'],
    [rejudged, 'under other thresholds'],
    [renamed, 'under another name'],
    [gone, 'gone'],
  ];
  return parts
    .filter(([keys]) => keys.length > 0)
    .map(([keys, what]) => `${keys.length} ${keys.length === 1 ? 'cell' : 'cells'} ${what}`)
    .join(' · ');
}

function isSkippedOtherwise(before: PlannedCell, after: PlannedCell): boolean {
  return before.skip?.detail !== after.skip?.detail;
}

function isEnforcedOtherwise(before: PlannedCell, after: PlannedCell): boolean {
  return judgementOf(before) !== judgementOf(after);
}

function judgementOf({ cell: { workload } }: PlannedCell): string {
  return [workload.enforce, ...workload.benchmarks].join(' ');
}

function nameOf({ cell }: PlannedCell): string {
  return [cell.bracket, ...cell.tags.map(({ name }) => name)].join(' ');
}

function byKey({ cells }: PlannedCells): ReadonlyMap<string, PlannedCell> {
  return new Map(cells.map((planned) => [planned.cell.key, planned]));
}
