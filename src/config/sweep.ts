import type { FrameworkSpec, Scalar } from './framework.ts';
import type { Selector, Sweep } from './schema.ts';

/** One point of a sweep before its params are checked. */
export interface SweepPoint {
  readonly cellId: string;
  /** Axis name -> value (or option name), plus every field of a paired option. */
  readonly axes: Readonly<Record<string, Scalar>>;
  /** Params that the axes set. */
  readonly params: Readonly<Record<string, unknown>>;
  /** The topology block of a paired option, unchecked; undefined when no option carries one. */
  readonly topology: unknown;
}

/** A mistake in a sweep, with the path of the entry under `sweep`. */
export interface SweepMistake {
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly hint: string;
}

interface AxisOption {
  readonly token: string;
  readonly axes: Readonly<Record<string, Scalar>>;
  readonly params: Readonly<Record<string, unknown>>;
  readonly topology?: unknown;
}

interface Axis {
  readonly paired: boolean;
  readonly options: readonly AxisOption[];
}

/**
 * Expands a sweep into its points. Paired axes are the outer loops, scalar axes
 * the inner ones, each in declaration order; no axis gives the one cell `default`.
 */
export function expandSweep(
  sweep: Sweep,
  tokens: FrameworkSpec['axisTokens'],
): { readonly points: readonly SweepPoint[]; readonly mistakes: readonly SweepMistake[] } {
  const { exclude, include, ...axesByName } = sweep;
  const mistakes: SweepMistake[] = [];
  const axes = Object.entries(axesByName).map(([name, value]) =>
    readAxis({ name, token: tokens[name] ?? name }, value, mistakes),
  );
  const ordered = [...axes.filter((axis) => axis.paired), ...axes.filter((axis) => !axis.paired)];
  const all = crossProduct(ordered);
  reportDuplicates(all, mistakes);
  reportUnused(all, { exclude, include }, mistakes);
  const points = all.filter(
    (point) =>
      !exclude.some((selector) => selects(selector, point.axes)) &&
      (include.length === 0 || include.some((selector) => selects(selector, point.axes))),
  );
  return { points, mistakes };
}

/** Whether every entry of a selector agrees with a cell's axes. */
export function selects(selector: Selector, axes: SweepPoint['axes']): boolean {
  return Object.entries(selector).every(([name, value]) => axes[name] === value);
}

function readAxis(
  { name, token }: { readonly name: string; readonly token: string },
  value: Sweep[string],
  mistakes: SweepMistake[],
): Axis {
  if (!Array.isArray(value)) {
    const fixed = value as Scalar;
    return { paired: false, options: [{ token: '', axes: { [name]: fixed }, params: { [name]: fixed } }] };
  }
  if (typeof value[0] !== 'object') {
    const options = (value as readonly Scalar[]).map((scalar) => ({
      token: `${token}${scalar}`,
      axes: { [name]: scalar },
      params: { [name]: scalar },
    }));
    return { paired: false, options };
  }
  const entries = value as readonly Readonly<Record<string, unknown>>[];
  return { paired: true, options: entries.map((entry, index) => readOption(name, { entry, index }, mistakes)) };
}

function readOption(
  axis: string,
  { entry, index }: { readonly entry: Readonly<Record<string, unknown>>; readonly index: number },
  mistakes: SweepMistake[],
): AxisOption {
  const { name, topology, ...fields } = entry;
  const names = Object.keys(fields);
  if (typeof name !== 'string' && names.length > 2) {
    mistakes.push({
      path: [axis, index],
      message: `an option with ${names.length} fields (${names.join(', ')}) has no name`,
      hint: 'add `name:`; it becomes part of the cell id',
    });
  }
  const token = typeof name === 'string' ? name : names.map((field) => `${field}${String(fields[field])}`).join('_');
  return { token, axes: { ...(fields as Record<string, Scalar>), [axis]: token }, params: fields, topology };
}

function crossProduct(axes: readonly Axis[]): readonly SweepPoint[] {
  let options: readonly AxisOption[] = [{ token: '', axes: {}, params: {} }];
  for (const axis of axes) {
    options = options.flatMap((left) => axis.options.map((right) => join(left, right)));
  }
  return options.map(({ token, axes: values, params, topology }) => ({
    cellId: token === '' ? 'default' : token,
    axes: values,
    params,
    topology,
  }));
}

function join(left: AxisOption, right: AxisOption): AxisOption {
  return {
    token: [left.token, right.token].filter((token) => token !== '').join('-'),
    axes: { ...left.axes, ...right.axes },
    params: { ...left.params, ...right.params },
    topology: right.topology ?? left.topology,
  };
}

function reportDuplicates(points: readonly SweepPoint[], mistakes: SweepMistake[]): void {
  const seen = new Set<string>();
  for (const { cellId } of points) {
    if (seen.has(cellId)) {
      mistakes.push({ path: [], message: `two cells are called ${cellId}`, hint: 'give the options different names' });
    }
    seen.add(cellId);
  }
}

function reportUnused(
  points: readonly SweepPoint[],
  filters: { readonly exclude: readonly Selector[]; readonly include: readonly Selector[] },
  mistakes: SweepMistake[],
): void {
  for (const [kind, selectors] of Object.entries(filters)) {
    for (const [index, selector] of selectors.entries()) {
      if (points.some((point) => selects(selector, point.axes))) continue;
      mistakes.push({
        path: [kind, index],
        message: `${JSON.stringify(selector)} matches no cell`,
        hint: 'use the axis values and option names of this sweep, or remove the entry',
      });
    }
  }
}
