import type { Origin, SweepPoint } from './axis.ts';
import type { CellMistake } from './cell-mistakes.ts';
import type { FrameworkSpec, Violation } from './framework.ts';
import { explainIssues } from './issues.ts';
import type { Unplaced } from './issues.ts';
import type { FrameworkPart } from './schema.ts';
import type { Topology } from './topology.ts';

/** The frameworks there are, the one of this config among them. */
export interface Frameworks {
  readonly spec: FrameworkSpec;
  readonly all: readonly FrameworkSpec[];
}

/** The params of one cell, and what is wrong with them. */
interface CheckedParams {
  /** With the framework's defaults filled in when they are valid. */
  readonly params: Readonly<Record<string, unknown>>;
  readonly isValid: boolean;
  readonly mistakes: readonly CellMistake[];
}

/** Checks `params:` merged with the axis values of a cell against the framework's schema. */
export function checkParams(
  point: SweepPoint,
  fixed: FrameworkPart['params'],
  { spec, all }: Frameworks,
): CheckedParams {
  const merged = { ...fixed, ...point.params };
  const result = spec.params.safeParse(merged);
  if (result.success) return { params: result.data, isValid: true, mistakes: [] };
  const mistakes = explainIssues(spec.params, result.error, merged).map((issue) => {
    const [field = '', ...rest] = issue.path;
    const origin = point.origins[String(field)];
    const foreign = describeForeign(String(field), { spec, all });
    // A swept value names its cells by its place; any other is the same in all or wrong in some.
    const placed =
      origin === undefined
        ? { ...issue, path: ['params', ...issue.path], cellId: point.cellId }
        : { ...issue, path: ['sweep', ...origin.path, ...rest] };
    return foreign === null || rest.length > 0 ? placed : { ...placed, ...foreign, path: axisOf(placed.path) };
  });
  return { params: merged, isValid: false, mistakes };
}

// One axis that belongs to another kind of workload is one mistake, whatever its values.
function axisOf(path: Unplaced['path']): Unplaced['path'] {
  return path.slice(0, 2);
}

/** What is wrong with a field that only frameworks of the other kind know; null for any other field. */
function describeForeign(field: string, { spec, all }: Frameworks): Pick<Unplaced, 'message' | 'hint'> | null {
  if (field in spec.params.shape) return null;
  const owners = all.filter((one) => one.workloadKind !== spec.workloadKind && field in one.params.shape);
  const [owner] = owners;
  if (owner === undefined || all.some((one) => one.workloadKind === spec.workloadKind && field in one.params.shape)) {
    return null;
  }
  const axes = Object.keys(spec.axisTokens);
  return {
    message: `${field} is for ${owner.workloadKind} (${owners.map(({ name }) => name).join(', ')}), and ${spec.name} is ${spec.workloadKind}`,
    hint: `remove it; ${spec.name} sweeps ${axes.slice(0, 6).join(', ')}`,
  };
}

/** Where valid params contradict the topology of their cell. */
export function checkConstraints(
  point: SweepPoint,
  cell: { readonly params: CheckedParams['params']; readonly topology: Topology },
  spec: FrameworkSpec,
): readonly CellMistake[] {
  return spec.constraints(cell).map((violation) => placeViolation(violation, point));
}

function placeViolation({ field, message, hint }: Violation, { origins, cellId }: SweepPoint): CellMistake {
  const origin: Origin | undefined = origins[field];
  if (origin === undefined) return { path: ['params', field], message, hint, cellId };
  if (origin.option === null) return { path: ['sweep', ...origin.path], message, hint };
  const { token, path } = origin.option;
  return { path: ['sweep', ...path], message: `${token}: ${message}`, hint };
}

/** Params that every cell takes from the sweep instead: what stands there is never used. */
export function checkOverridden(fixed: FrameworkPart['params'], points: readonly SweepPoint[]): readonly Unplaced[] {
  const [first] = points;
  if (first === undefined) return [];
  return Object.keys(fixed)
    .filter((field) => points.every(({ params }) => field in params))
    .map((field) => ({
      path: ['params', field],
      message: `is never used: sweep.${String(first.origins[field]?.path[0])} sets ${field} in every cell`,
      hint: 'remove one of the two',
    }));
}
