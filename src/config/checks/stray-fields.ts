import { nearest } from '../../core/nearest.ts';
import type { Frameworks, FrameworkSpec } from '../schema/framework.ts';
import { listOf } from '../issues/schema-words.ts';
import { workloadSchema } from '../schema/schema.ts';

/** Where a field belongs that its framework has no param for, and what to do about it. */
interface Home {
  /** What follows "is" or "are". */
  readonly reason: string;
  readonly hint: string;
}

/** Where a field of `params:` or `sweep:` belongs that is no param of this framework; null for one that belongs nowhere. */
export function findHome(field: string, section: 'params' | 'sweep', frameworks: Frameworks): Home | null {
  const { spec } = frameworks;
  const hint = section === 'params' ? 'move it there' : 'write it there, in a config for each value';
  if (Object.hasOwn(spec.knobs.shape, field)) return { reason: 'set under `knobs:`', hint };
  if (Object.hasOwn(workloadSchema.shape, field))
    return { reason: `set outside of \`${section}:\`, without indentation`, hint };
  return findOwners(field, section, frameworks);
}

function findOwners(field: string, section: 'params' | 'sweep', { spec, all }: Frameworks): Home | null {
  const owners = all.filter(({ params }) => Object.hasOwn(params.shape, field));
  if (owners.length === 0) return null;
  if (owners.some(({ workloadKind }) => workloadKind === spec.workloadKind)) {
    const meant = nearest(field, Object.keys(spec.params.shape));
    const hint = meant === null ? 'remove it' : `remove it, or did you mean \`${meant}\`?`;
    return { reason: `for ${listOf(namesOf(owners), 'and')}, not for ${spec.name}`, hint };
  }
  const axes = Object.keys(spec.axisTokens).slice(0, MOST_AXES).join(', ');
  return {
    reason: `for ${owners[0]?.workloadKind} (${namesOf(owners).join(', ')}), and ${spec.name} is for ${spec.workloadKind}`,
    hint: section === 'params' ? 'remove it' : `remove it; ${spec.name} sweeps for example ${axes}`,
  };
}

const MOST_AXES = 6;

function namesOf(specs: readonly FrameworkSpec[]): readonly string[] {
  return specs.map(({ name }) => name);
}

/** Under which field of a config a name belongs that stands at its left margin; null when it belongs nowhere. */
export function findSection(name: string, spec: FrameworkSpec): 'params' | 'knobs' | null {
  if (Object.hasOwn(workloadSchema.shape, name)) return null;
  if (Object.hasOwn(spec.params.shape, name)) return 'params';
  return Object.hasOwn(spec.knobs.shape, name) ? 'knobs' : null;
}
