import type { Axis, AxisOption, SweepPoint } from '../axis.ts';
import type { Unplaced } from '../issues/issues.ts';
import { NAME, NAME_RULE } from '../schema/name.ts';
import type { Complaint } from '../yaml/problem.ts';
import type { Selector, Sweep } from '../schema/schema.ts';
import { hintForMiss, selects } from '../selector.ts';
import { show } from '../issues/show.ts';

/** Tokens that cannot stand in a cell id: it is a segment of the run's path and a part of a claim's name. */
export function tokenMistakes(axes: readonly Axis[]): readonly Unplaced[] {
  return axes.flatMap((axis) =>
    axis.options
      .filter(({ token, path }) => !NAME.test(token) && path.length > 1)
      .map((option) => ({ path: option.path, ...describeToken(axis, option) })),
  );
}

function describeToken({ name, paired }: Axis, { token, path, params }: AxisOption): Complaint {
  if (path.at(-1) === 'name')
    return { message: `${show(token)} cannot be part of a cell id`, hint: `use ${NAME_RULE}` };
  if (paired)
    return { message: `${show(token)}, made of its fields, cannot be part of a cell id`, hint: 'add `name:`' };
  const value = show(params[name]);
  if (NAME.test(`x${String(params[name])}`))
    return { message: `${show(name)} cannot be part of a cell id`, hint: `use ${NAME_RULE}` };
  return {
    message: `${value} cannot be part of a cell id`,
    hint: `use ${NAME_RULE}; or name the value: \`{${name}: ${value}, name: ...}\``,
  };
}

/** Axes called like a field of their options: a selector could mean the one or the other. */
export function axisNameMistakes(axes: readonly Axis[]): readonly Unplaced[] {
  return axes
    .filter(({ name, paired, options }) => paired && options.some(({ params }) => Object.hasOwn(params, name)))
    .map(({ name }) => ({
      path: [name],
      message: `${name} is also a field of its options`,
      hint: 'give the axis a name of its own',
    }));
}

/** What two axes set both. */
export function rivalMistakes(axes: readonly Axis[]): readonly Unplaced[] {
  const mistakes: Unplaced[] = [];
  const owners = new Map<string, string>();
  for (const { name, options } of axes) {
    for (const field of new Set(options.flatMap(fieldsOf))) {
      const owner = owners.get(field);
      if (owner === undefined) owners.set(field, name);
      else {
        const message = `sets ${field}, and so does sweep.${owner}`;
        mistakes.push({ path: [name], message, hint: 'keep it in one of them' });
      }
    }
  }
  return mistakes;
}

function fieldsOf({ axes, params, topology }: AxisOption): readonly string[] {
  return [...new Set([...Object.keys(axes), ...Object.keys(params)]), ...(topology === null ? [] : ['topology'])];
}

/** The product of the axes, when it is beyond the limit. */
export function tooManyCells(axes: readonly Axis[], size: number, limit: number): Unplaced {
  const factors = axes.map(({ name, options }) => `${options.length} ${name}`).join(' x ');
  return {
    path: [],
    message: `${factors} = ${size} cells, more than the limit of ${limit}`,
    hint: 'sweep fewer values, or write an axis that lists the combinations you need, as mappings',
  };
}

// Leaves room for the rest of a path and for a bracket.
const MAX_ID_LENGTH = 120;

/** Cells that share an id, and ids that are too long for a path. */
export function duplicateMistakes(axes: readonly Axis[], points: readonly SweepPoint[]): readonly Unplaced[] {
  const long = points.find(({ cellId }) => cellId.length > MAX_ID_LENGTH);
  const tooLong =
    long === undefined
      ? []
      : [
          {
            path: [],
            message: `the cell id ${long.cellId} has ${long.cellId.length} characters, more than ${MAX_ID_LENGTH}`,
            hint: 'give the options shorter names with `name:`',
          },
        ];
  const twins = axes.flatMap(twinOptions);
  if (twins.length > 0) return [...twins, ...tooLong];
  const shared = firstDuplicate(points.map(({ cellId }) => cellId));
  if (shared === null) return tooLong;
  const message = `two cells are called ${points[shared]?.cellId}`;
  return [{ path: [], message, hint: 'give the options different names' }, ...tooLong];
}

function twinOptions({ name, paired, options }: Axis): readonly Unplaced[] {
  const twin = options[firstDuplicate(options.map(({ token }) => token)) ?? -1];
  if (twin === undefined) return [];
  const { path, token, params } = twin;
  if (!paired) return [{ path, message: `${show(params[name])} is in this list already`, hint: 'remove it' }];
  return [{ path, message: `a second option is called ${token}`, hint: 'remove it, or give it another name' }];
}

/** The index of the first value that was there before; null when all differ. */
function firstDuplicate(values: readonly string[]): number | null {
  const seen = new Set<string>();
  const index = values.findIndex((value) => seen.size === seen.add(value).size);
  return index === -1 ? null : index;
}

/** Filters that match no cell, or that leave none. */
export function filterMistakes(
  { exclude, include }: Pick<Sweep, 'exclude' | 'include'>,
  { all, left }: { readonly all: readonly SweepPoint[]; readonly left: number },
): readonly Unplaced[] {
  const unused = [...unusedFilters('exclude', exclude, all), ...unusedFilters('include', include, all)];
  if (left > 0 || unused.length > 0) return unused;
  return [
    {
      path: [exclude.length > 0 ? 'exclude' : 'include'],
      message: `leaves none of ${all.length} ${all.length === 1 ? 'cell' : 'cells'}`,
      hint: 'keep at least one cell',
    },
  ];
}

function unusedFilters(
  kind: 'exclude' | 'include',
  selectors: readonly Selector[],
  points: readonly SweepPoint[],
): readonly Unplaced[] {
  const cells = points.map(({ axes }) => axes);
  return selectors.flatMap((selector, index) =>
    cells.some((axes) => selects(selector, axes))
      ? []
      : [
          {
            path: [kind, index],
            message: `${JSON.stringify(selector)} matches no cell`,
            hint: hintForMiss(selector, cells),
          },
        ],
  );
}
