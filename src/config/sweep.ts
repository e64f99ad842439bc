import type { Axis, AxisOption, AxisValues, SweepPoint } from './axis.ts';
import type { FrameworkSpec, Scalar } from './schema/framework.ts';
import type { Unplaced } from './issues/issues.ts';
import type { Complaint } from './yaml/problem.ts';
import type { Sweep } from './schema/schema.ts';
import { selects } from './selector.ts';
import {
  axisNameMistakes,
  duplicateMistakes,
  filterMistakes,
  rivalMistakes,
  tokenMistakes,
  tooManyCells,
} from './checks/sweep-mistakes.ts';
import type { PathStep } from './yaml/yaml-source.ts';

/**
 * Expands a sweep into its points. Paired axes are the outer loops, scalar axes
 * the inner ones, each in declaration order; no axis gives the one cell `default`.
 */
export function expandSweep(
  sweep: Sweep,
  tokens: FrameworkSpec['axisTokens'],
): { readonly points: readonly SweepPoint[]; readonly mistakes: readonly Unplaced[] } {
  const { exclude, include, ...axesByName } = sweep;
  const mistakes: Unplaced[] = [];
  const axes = Object.entries(axesByName).map(([name, value]) =>
    readAxis({ name, token: (Object.hasOwn(tokens, name) ? tokens[name] : undefined) ?? name }, value, mistakes),
  );
  const rivals = rivalMistakes(axes);
  mistakes.push(...tokenMistakes(axes), ...axisNameMistakes(axes), ...rivals);
  // Which of the two a cell would get is anybody's guess, and so is what would be wrong with it.
  if (rivals.length > 0) return { points: [], mistakes };
  const size = axes.reduce((product, { options }) => product * options.length, 1);
  if (size > MAX_CELLS) return { points: [], mistakes: [...mistakes, tooManyCells(axes, size, MAX_CELLS)] };
  const ordered = [...axes.filter((axis) => axis.paired), ...axes.filter((axis) => !axis.paired)];
  const all = crossProduct(ordered);
  mistakes.push(...duplicateMistakes(axes, all));
  const points = all.filter(
    (point) =>
      !exclude.some((selector) => selects(selector, point.axes)) &&
      (include.length === 0 || include.some((selector) => selects(selector, point.axes))),
  );
  return { points, mistakes: [...mistakes, ...filterMistakes(sweep, { all, left: points.length })] };
}

// More than a cluster runs in a year, and more than a plan can hold.
const MAX_CELLS = 100_000;

function readAxis(
  { name, token }: { readonly name: string; readonly token: string },
  value: Sweep[string],
  mistakes: Unplaced[],
): Axis {
  if (!Array.isArray(value)) {
    const fixed = value as Scalar;
    return { name, paired: false, options: [{ ...setScalar(name, fixed, [name]), token: '' }] };
  }
  if (typeof value[0] !== 'object') {
    const options = (value as readonly Scalar[]).map((scalar, index) => ({
      ...setScalar(name, scalar, [name, index]),
      token: `${token}${scalar}`,
    }));
    return { name, paired: false, options };
  }
  const entries = value as readonly Readonly<Record<string, unknown>>[];
  return { name, paired: true, options: entries.map((entry, index) => readOption(name, { entry, index }, mistakes)) };
}

function setScalar(name: string, value: Scalar, path: readonly PathStep[]): Omit<AxisOption, 'token'> {
  const set = { [name]: value };
  return { path, axes: set, params: set, origins: { [name]: { path, option: null } }, topology: null };
}

function readOption(
  axis: string,
  { entry, index }: { readonly entry: Readonly<Record<string, unknown>>; readonly index: number },
  mistakes: Unplaced[],
): AxisOption {
  const { name, topology, ...fields } = entry;
  const path = name === undefined ? [axis, index] : [axis, index, 'name'];
  const names = Object.keys(fields);
  const mistake = nameMistake(name, names);
  if (mistake !== null) mistakes.push({ path, ...mistake });
  const derived = names.map((field) => `${field}${String(fields[field])}`).join('_');
  // A name that is a mistake, and told as one, must not make another.
  const fallback = mistake === null ? derived : `option${index}`;
  const token = typeof name === 'string' ? name : fallback;
  const option = { token, path: [axis, index] };
  const origins = Object.fromEntries(names.map((field) => [field, { path: [axis, index, field], option }]));
  return {
    token,
    path,
    axes: { ...scalarsOf(fields), [axis]: token },
    params: fields,
    origins,
    topology: topology === undefined ? null : { value: topology, path: [axis, index, 'topology'] },
  };
}

function nameMistake(name: unknown, fields: readonly string[]): Complaint | null {
  if (typeof name === 'string') return null;
  if (name !== undefined) {
    const isScalar = typeof name === 'number' || typeof name === 'boolean';
    const hint = isScalar ? `write "${name}" in quotes` : 'write one, or remove the field';
    return { message: `${name === null ? 'is empty' : JSON.stringify(name)}, and a name is text`, hint };
  }
  if (fields.length === 1 || fields.length === 2) return null;
  const what = fields.length === 0 ? 'no field' : `${fields.length} fields (${fields.join(', ')})`;
  return { message: `an option with ${what} has no name`, hint: 'add `name:`; it becomes part of the cell id' };
}

function scalarsOf(fields: Readonly<Record<string, unknown>>): AxisValues {
  const scalars = Object.entries(fields).filter(([, value]) => typeof value !== 'object');
  return Object.fromEntries(scalars) as AxisValues;
}

type Combination = Omit<AxisOption, 'path'>;

function crossProduct(axes: readonly Axis[]): readonly SweepPoint[] {
  let options: readonly Combination[] = [{ token: '', axes: {}, params: {}, origins: {}, topology: null }];
  for (const axis of axes) {
    options = options.flatMap((left) => axis.options.map((right) => join(left, right)));
  }
  return options.map(({ token, ...point }) => ({ ...point, cellId: token === '' ? 'default' : token }));
}

function join(left: Combination, right: Combination): Combination {
  return {
    token: [left.token, right.token].filter((token) => token !== '').join('-'),
    axes: { ...left.axes, ...right.axes },
    params: { ...left.params, ...right.params },
    origins: { ...left.origins, ...right.origins },
    topology: right.topology ?? left.topology,
  };
}
