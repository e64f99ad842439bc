import { groupBy } from '../../core/group-by.ts';
import type { Origin, SweepPoint } from '../axis.ts';
import type { CellMistake } from './cell-mistakes.ts';
import type { Frameworks, FrameworkSpec, Violation } from '../schema/framework.ts';
import { pairedAxes } from './check-axes.ts';
import { explainIssues } from '../issues/issues.ts';
import type { Unplaced } from '../issues/issues.ts';
import { listOf } from '../issues/schema-words.ts';
import type { Sweep, Workload } from '../schema/schema.ts';
import { findHome } from './stray-fields.ts';
import type { Topology } from '../schema/topology.ts';
import { MISSING } from '../issues/value-mistakes.ts';
import type { PathStep } from '../yaml/yaml-source.ts';

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
  { params: fixed, sweep }: Pick<Workload, 'params' | 'sweep'>,
  frameworks: Frameworks,
): CheckedParams {
  const { spec } = frameworks;
  const merged = { ...fixed, ...point.params };
  const result = spec.params.safeParse(merged);
  if (result.success) return { params: result.data, isValid: true, mistakes: [] };
  const issues = explainIssues(spec.params, result.error, merged);
  const strays = findStrays(issues, point, frameworks);
  const fields = new Set(strays.map(({ field }) => field));
  const others = issues.filter(({ path }) => !fields.has(String(path[0])));
  const mistakes = [
    ...mergeStrays(strays),
    ...others.map((issue) => missingInOption(issue, point, sweep) ?? placeIssue(issue, point, spec)),
  ];
  return { params: merged, isValid: false, mistakes };
}

function placeIssue(issue: Unplaced, point: SweepPoint, spec: FrameworkSpec): CellMistake {
  const [field = '', ...rest] = issue.path;
  const origin = originOf(field, point);
  // A swept value names its cells by its place; any other is the same in all or wrong in some.
  if (origin === null) return { ...issue, path: ['params', ...issue.path], cellId: point.cellId };
  // The name of an axis is misspelt once, however many values it has.
  const isName = origin.option === null && !Object.hasOwn(spec.params.shape, field);
  return { ...issue, path: ['sweep', ...(isName ? origin.path.slice(0, 1) : origin.path), ...rest] };
}

/** A param that an option of a paired axis lacks and another option has; null for any other mistake. */
function missingInOption({ path, message }: Unplaced, { origins }: SweepPoint, sweep: Sweep): CellMistake | null {
  const [field = '', ...rest] = path.map(String);
  if (message !== MISSING || rest.length > 0) return null;
  for (const [axis, options] of pairedAxes(sweep)) {
    const sibling = options.find((option) => Object.hasOwn(option, field))?.['name'];
    const option = Object.values(origins).find((origin) => origin.path[0] === axis)?.option;
    if (typeof sibling === 'string' && option) {
      const lack = `${option.token} has no ${field}, which ${sibling} has`;
      return { path: ['sweep', ...option.path], message: lack, hint: `add \`${field}:\`` };
    }
  }
  return null;
}

/** What the sweep sets a param with; null for one that it does not set. */
function originOf(field: PathStep, { origins }: SweepPoint): Origin | null {
  return Object.hasOwn(origins, field) ? (origins[field] ?? null) : null;
}

/** A param that has its place elsewhere, and what to say of it. */
interface Stray {
  readonly field: string;
  readonly path: Unplaced['path'];
  /** What follows "is" or "are". */
  readonly reason: string;
  readonly hint: string;
}

function findStrays(issues: readonly Unplaced[], point: SweepPoint, frameworks: Frameworks): readonly Stray[] {
  return issues.flatMap(({ path: [step = '', ...rest] }) => {
    const field = String(step);
    if (rest.length > 0 || Object.hasOwn(frameworks.spec.params.shape, field)) return [];
    const origin = originOf(field, point);
    const home = findHome(field, origin === null ? 'params' : 'sweep', frameworks);
    if (home === null) return [];
    return [{ field, path: origin === null ? ['params', field] : ['sweep', ...origin.path.slice(0, 1)], ...home }];
  });
}

// One axis that belongs to another kind of workload is one mistake, whatever its fields and values.
function mergeStrays(strays: readonly Stray[]): readonly Unplaced[] {
  const groups = groupBy(strays, ({ path, reason, hint }) => JSON.stringify([path, reason, hint]));
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const { path, reason, hint } = first;
    const fields = [...new Set(group.map(({ field }) => field))];
    const subject = fields.join() === path.at(-1) ? '' : `${listOf(fields, 'and')} `;
    return [{ path, message: `${subject}${fields.length === 1 ? 'is' : 'are'} ${reason}`, hint }];
  });
}

/** Where valid params contradict the topology of their cell. */
export function checkConstraints(
  point: SweepPoint,
  cell: { readonly params: CheckedParams['params']; readonly topology: Topology },
  spec: FrameworkSpec,
): readonly CellMistake[] {
  return spec.constraints(cell).map((violation) => placeViolation(violation, point));
}

function placeViolation({ field, message, hint }: Violation, point: SweepPoint): CellMistake {
  const origin = originOf(field, point);
  if (origin === null) return { path: ['params', field], message, hint, cellId: point.cellId };
  if (origin.option === null) return { path: ['sweep', ...origin.path], message, hint };
  const { token, path } = origin.option;
  return { path: ['sweep', ...path], message: `${token}: ${message}`, hint };
}

/** Params that every cell takes from the sweep instead: what stands there is never used. */
export function checkOverridden(fixed: Workload['params'], points: readonly SweepPoint[]): readonly Unplaced[] {
  const [first] = points;
  if (first === undefined) return [];
  return Object.keys(fixed)
    .filter((field) => points.every(({ params }) => Object.hasOwn(params, field)))
    .map((field) => ({
      path: ['params', field],
      message: `is never used: sweep.${String(first.origins[field]?.path[0])} sets ${field} in every cell`,
      hint: 'remove one of the two',
    }));
}
