import { nearestTypo } from '../../core/nearest.ts';
import type { FrameworkSpec } from '../schema/framework.ts';
import type { Unplaced } from '../issues/issues.ts';
import { workloadSchema } from '../schema/schema.ts';
import type { Workload } from '../schema/schema.ts';

/** A config with every axis that is none put where it belongs. */
interface Replaced {
  readonly workload: Workload;
  readonly mistakes: readonly Unplaced[];
  /** Whether a mistake of that config is one of the config as it was written, and not of what was moved. */
  readonly isOwn: (mistake: Unplaced) => boolean;
}

/** Takes misspelt filters (`excludes:`) and indented fields of the config (`benchmarks:`) out of a sweep. */
export function replaceAxes(workload: Workload, spec: FrameworkSpec): Replaced {
  const moved = Object.entries(workload.sweep).flatMap(([name, value]) => moveOf({ name, value }, workload, spec));
  const { sweep, ...fields } = workload;
  const gone = new Set(moved.map(({ mistake }) => mistake.path[1]));
  const axes = Object.fromEntries(Object.entries(sweep).filter(([name]) => !gone.has(name)));
  const filters = moved.filter(({ to }) => to[0] === 'sweep').map(({ to, value }) => [to.at(-1), value]);
  const others = moved.filter(({ to }) => to[0] !== 'sweep').map(({ to, value }) => [to.at(-1), value]);
  const targets = moved.map(({ to }) => to);
  return {
    workload: {
      ...fields,
      ...Object.fromEntries(others),
      sweep: { ...axes, ...Object.fromEntries(filters) },
    } as Workload,
    mistakes: moved.map(({ mistake }) => mistake),
    isOwn: ({ path }) => !targets.some((to) => to.every((step, depth) => path[depth] === step)),
  };
}

interface Move {
  readonly mistake: Unplaced;
  readonly to: readonly string[];
  readonly value: unknown;
}

interface WrittenAxis {
  readonly name: string;
  readonly value: unknown;
}

function moveOf({ name, value }: WrittenAxis, { sweep }: Workload, spec: FrameworkSpec): readonly Move[] {
  if (name === 'exclude' || name === 'include' || Object.hasOwn(spec.params.shape, name)) return [];
  const filter = nearestTypo(name, ['exclude', 'include']);
  const { shape } = workloadSchema;
  if (filter === 'exclude' || filter === 'include') {
    const parsed = shape.sweep.safeParse({ [filter]: value });
    if (!parsed.success || sweep[filter].length > 0) return [];
    const mistake = { path: ['sweep', name], message: 'unknown field', hint: `did you mean \`${filter}\`?` };
    return [{ mistake, to: ['sweep', filter], value: parsed.data[filter] }];
  }
  const field = Object.entries(shape)
    .find(([known]) => known === name)?.[1]
    .safeParse(value);
  if (!field?.success) return [];
  const message = 'is a field of the config, not an axis';
  const mistake = { path: ['sweep', name], message, hint: 'take the spaces before it away' };
  return [{ mistake, to: [name], value: field.data }];
}
