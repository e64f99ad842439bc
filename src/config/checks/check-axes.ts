import type { FrameworkSpec } from '../schema/framework.ts';
import type { Unplaced } from '../issues/issues.ts';
import type { Sweep } from '../schema/schema.ts';

type Option = Readonly<Record<string, unknown>>;

/** The paired axes of a sweep, as they are written. */
export function pairedAxes(sweep: Sweep): readonly (readonly [name: string, options: readonly Option[]])[] {
  const { exclude: _exclude, include: _include, ...axes } = sweep;
  return Object.entries(axes).flatMap(([name, value]) =>
    Array.isArray(value) && typeof value[0] === 'object' ? [[name, value as readonly Option[]] as const] : [],
  );
}

/** Paired axes called like a param, and options of one that differ in nothing but their names. */
export function checkAxes(sweep: Sweep, spec: FrameworkSpec): readonly Unplaced[] {
  return pairedAxes(sweep).flatMap(([axis, options]) => [
    ...takenName(axis, options, spec),
    ...sameValues(options).map((mistake) => ({ ...mistake, path: ['sweep', axis, ...mistake.path] })),
  ]);
}

// An axis that is also a field of its options is told as that.
function takenName(axis: string, options: readonly Option[], { name, params }: FrameworkSpec): readonly Unplaced[] {
  if (!Object.hasOwn(params.shape, axis) || options.some((option) => Object.hasOwn(option, axis))) return [];
  const message = `${axis} is a param of ${name}, and an axis of options needs a name of its own`;
  return [{ path: ['sweep', axis], message, hint: 'rename the axis' }];
}

function sameValues(options: readonly Option[]): readonly Unplaced[] {
  const names = new Map<string, unknown>();
  return options.flatMap(({ name, ...fields }, index) => {
    const values = keyOf(fields);
    const twin = names.get(values);
    if (twin === undefined) names.set(values, name);
    // Options without a field may be there to repeat a cell; two of one name are told as that.
    const isTold = typeof twin !== 'string' || twin === name || Object.keys(fields).length === 0;
    return isTold ? [] : [{ path: [index], message: `has the same values as ${twin}`, hint: 'remove one' }];
  });
}

/** Equal for the same values, in whatever order their fields are written. */
function keyOf(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => {
    if (typeof part === 'number') return Number.isFinite(part) ? part : `number ${part}`;
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  });
}
