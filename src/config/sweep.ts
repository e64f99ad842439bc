import type { FrameworkSpec, Scalar } from './framework.ts';
import { NAME, NAME_RULE } from './name.ts';
import type { Selector, Sweep } from './schema.ts';
import { hintForMiss, selects } from './selector.ts';
import type { AxisValues } from './selector.ts';

/** One point of a sweep before its params are checked. */
export interface SweepPoint {
  readonly cellId: string;
  /** Axis name -> value (or option name), plus every field of a paired option. */
  readonly axes: AxisValues;
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
  /** Where the token was written. */
  readonly path: readonly (string | number)[];
  readonly axes: AxisValues;
  readonly params: Readonly<Record<string, unknown>>;
  readonly topology?: unknown;
}

interface Axis {
  readonly name: string;
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
  reportTokens(axes, mistakes);
  reportRivals(axes, mistakes);
  reportDuplicates(all, mistakes);
  const points = all.filter(
    (point) =>
      !exclude.some((selector) => selects(selector, point.axes)) &&
      (include.length === 0 || include.some((selector) => selects(selector, point.axes))),
  );
  const unused = unusedFilters(all, { exclude, include });
  mistakes.push(...unused);
  if (points.length === 0 && unused.length === 0) {
    mistakes.push({
      path: [exclude.length > 0 ? 'exclude' : 'include'],
      message: `leaves none of ${all.length} ${all.length === 1 ? 'cell' : 'cells'}`,
      hint: 'keep at least one cell',
    });
  }
  return { points, mistakes };
}

function readAxis(
  { name, token }: { readonly name: string; readonly token: string },
  value: Sweep[string],
  mistakes: SweepMistake[],
): Axis {
  if (!Array.isArray(value)) {
    const fixed = value as Scalar;
    return {
      name,
      paired: false,
      options: [{ token: '', path: [name], axes: { [name]: fixed }, params: { [name]: fixed } }],
    };
  }
  if (typeof value[0] !== 'object') {
    const options = (value as readonly Scalar[]).map((scalar, index) => ({
      token: `${token}${scalar}`,
      path: [name, index],
      axes: { [name]: scalar },
      params: { [name]: scalar },
    }));
    return { name, paired: false, options };
  }
  const entries = value as readonly Readonly<Record<string, unknown>>[];
  return { name, paired: true, options: entries.map((entry, index) => readOption(name, { entry, index }, mistakes)) };
}

function readOption(
  axis: string,
  { entry, index }: { readonly entry: Readonly<Record<string, unknown>>; readonly index: number },
  mistakes: SweepMistake[],
): AxisOption {
  const { name, topology, ...fields } = entry;
  const path = name === undefined ? [axis, index] : [axis, index, 'name'];
  const names = Object.keys(fields);
  if (name === undefined && names.length > 2) {
    mistakes.push({
      path,
      message: `an option with ${names.length} fields (${names.join(', ')}) has no name`,
      hint: 'add `name:`; it becomes part of the cell id',
    });
  }
  const derived = names.map((field) => `${field}${String(fields[field])}`).join('_');
  const written = typeof name === 'string' ? name : JSON.stringify(name);
  const token = name === undefined ? derived : written;
  return { token, path, axes: { ...(fields as AxisValues), [axis]: token }, params: fields, topology };
}

type Combination = Omit<AxisOption, 'path'>;

function crossProduct(axes: readonly Axis[]): readonly SweepPoint[] {
  let options: readonly Combination[] = [{ token: '', axes: {}, params: {} }];
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

function join(left: Combination, right: Combination): Combination {
  return {
    token: [left.token, right.token].filter((token) => token !== '').join('-'),
    axes: { ...left.axes, ...right.axes },
    params: { ...left.params, ...right.params },
    topology: right.topology ?? left.topology,
  };
}

// A token becomes a segment of the run's path and a part of a claim's name.
function reportTokens(axes: readonly Axis[], mistakes: SweepMistake[]): void {
  for (const { name, options } of axes) {
    for (const { token, path } of options) {
      if (NAME.test(token) || path.length === 1) continue;
      const isNamed = path.at(-1) === 'name';
      mistakes.push({
        path,
        message: `${JSON.stringify(token)} cannot be part of a cell id`,
        hint: isNamed ? NAME_RULE : `${NAME_RULE}; or write {${name}: ..., name: ...}`,
      });
    }
  }
}

function reportRivals(axes: readonly Axis[], mistakes: SweepMistake[]): void {
  const owners = new Map<string, string>();
  for (const { name, options } of axes) {
    for (const set of new Set(options.flatMap((option) => Object.keys(option.axes)))) {
      const owner = owners.get(set);
      if (owner === undefined) owners.set(set, name);
      else
        mistakes.push({ path: [name], message: `sets ${set}, and so does ${owner}`, hint: 'keep it in one of them' });
    }
  }
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

function unusedFilters(
  points: readonly SweepPoint[],
  filters: { readonly exclude: readonly Selector[]; readonly include: readonly Selector[] },
): readonly SweepMistake[] {
  const cells = points.map(({ axes }) => axes);
  const unused: SweepMistake[] = [];
  for (const [kind, selectors] of Object.entries(filters)) {
    for (const [index, selector] of selectors.entries()) {
      if (cells.some((axes) => selects(selector, axes))) continue;
      unused.push({
        path: [kind, index],
        message: `${JSON.stringify(selector)} matches no cell`,
        hint: hintForMiss(selector, cells),
      });
    }
  }
  return unused;
}
