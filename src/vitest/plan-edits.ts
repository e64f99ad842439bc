import type { PlannedCell, SessionPlan } from '../session/plan.ts';

/** What an edit did to a plan, by the keys of cells. */
export interface PlanEdits {
  readonly added: readonly string[];
  readonly gone: readonly string[];
  /** Another workload than before, or on other nodes: launched again. */
  readonly changed: readonly string[];
  /** The same workload under other thresholds: judged again. */
  readonly rejudged: readonly string[];
  /** Cells that are only called otherwise. */
  readonly renamed: readonly string[];
  /** The test ids of the configs that these cells belong to. */
  readonly testIds: ReadonlySet<string>;
}

/** Compares two plans of a session. */
export function editsBetween(before: SessionPlan, after: SessionPlan): PlanEdits {
  const [was, is] = [byKey(before), byKey(after)];
  const both = [...is].flatMap(([key, cell]) => {
    const old = was.get(key);
    return old === undefined ? [] : [{ key, kind: kindOfEdit(old, cell) }];
  });
  const keysOf = (kind: EditKind): readonly string[] => both.flatMap((one) => (one.kind === kind ? [one.key] : []));
  const edits = {
    added: [...is.keys()].filter((key) => !was.has(key)),
    gone: [...was.keys()].filter((key) => !is.has(key)),
    changed: keysOf('changed'),
    rejudged: keysOf('rejudged'),
    renamed: keysOf('renamed'),
  };
  const touched = Object.values(edits).flat();
  const testIds = touched.map((key) => (is.get(key) ?? was.get(key))?.cell.workload.test_id ?? '');
  return { ...edits, testIds: new Set(testIds) };
}

/** `1 new cell · 3 cells under other thresholds`; empty where nothing changed. */
export function describeEdits({ added, gone, changed, rejudged, renamed }: PlanEdits): string {
  const parts: readonly (readonly [readonly string[], string])[] = [
    [added, 'new'],
    [changed, 'another workload now'],
    [rejudged, 'under other thresholds'],
    [renamed, 'under another name'],
    [gone, 'gone'],
  ];
  return parts
    .filter(([keys]) => keys.length > 0)
    .map(([keys, what]) => `${keys.length} ${keys.length === 1 ? 'cell' : 'cells'} ${what}`)
    .join(' · ');
}

type EditKind = 'same' | 'changed' | 'rejudged' | 'renamed';

function kindOfEdit(before: PlannedCell, after: PlannedCell): EditKind {
  if (before.identity.workloadHash !== after.identity.workloadHash) return 'changed';
  // The same workload on other nodes, or on none: the hash has the shape of a binding only.
  if (skipOf(before) !== skipOf(after)) return 'changed';
  if (judgementOf(before) !== judgementOf(after)) return 'rejudged';
  return nameOf(before) === nameOf(after) ? 'same' : 'renamed';
}

function skipOf({ skip }: PlannedCell): string {
  return skip?.detail ?? '';
}

function judgementOf({ identity, cell }: PlannedCell): string {
  return `${identity.verificationHash} ${cell.workload.enforce} ${cell.workload.benchmarks.join(' ')}`;
}

function nameOf({ cell }: PlannedCell): string {
  return [cell.bracket, ...cell.tags.map(({ name }) => name)].join(' ');
}

function byKey({ cells }: SessionPlan): ReadonlyMap<string, PlannedCell> {
  return new Map(cells.map((planned) => [planned.cell.key, planned]));
}
