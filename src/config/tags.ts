import type { Workload } from './schema/schema.ts';
import type { TopologyKind } from './schema/topology.ts';
import type { PathStep } from './yaml/yaml-source.ts';

/** A native Vitest tag with the sentence that `vitest --list-tags` prints beside it. */
export interface Tag {
  readonly name: string;
  readonly description: string;
}

/** Lower-case, every run of other characters becomes `_`, trimmed. */
export function normaliseTag(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
    .replaceAll(/^_+|_+$/g, '');
}

/** A tag, the value it stands for, and the field of the config that says so. */
export interface PlacedTag extends Tag {
  readonly value: string;
  readonly path: readonly PathStep[];
}

/** The tags that all cells of a config carry, with what each stands for. */
export function tagsOfConfig(workload: Workload): readonly PlacedTag[] {
  const { framework, model, workload_kind: workloadKind, target_gpu: gpu, test_id: testId } = workload;
  const knobs = Object.entries(workload.knobs).map(([key, value]) => ({
    value: `${key} = ${value}`,
    path: ['knobs', key],
    ...tag(`knob_${key}`, String(value), `knob ${key} = ${value}`),
  }));
  return [
    { value: framework, path: ['framework'], ...tag('framework', framework, `runs on ${framework}`) },
    { value: model.id, path: ['model'], ...tag('model', model.id, `model ${model.id}`) },
    { value: workloadKind, path: ['workload_kind'], ...tag('workload', workloadKind, `${workloadKind} workloads`) },
    { value: gpu, path: ['target_gpu'], ...tag('gpu', gpu, `made for ${gpu}`) },
    ...knobs,
    { value: testId, path: ['test_id'], ...configTag(testId) },
  ];
}

/** The tag of all cells of a config. */
export function configTag(testId: string): Tag {
  return tag('config', testId, `config ${testId}`);
}

/** The tag of a kind of topology. */
export function topologyTag(kind: TopologyKind): Tag {
  return tag('topology', kind, `${kind} topology`);
}

/** The tag of a cell. */
export function cellTag(cellId: string): Tag {
  return tag('cell', cellId, `cell ${cellId}`);
}

const FAMILIES = ['framework', 'model', 'workload', 'topology', 'gpu', 'knob', 'config', 'cell', 'tier', 'benchmark'];

/** Tags as a list reads best: family by family, tiers and benchmarks in order, the others as they were declared. */
export function inReadingOrder(tags: Iterable<Tag>): readonly Tag[] {
  return [...tags].toSorted((a, b) => {
    const [familyA, familyB] = [familyOf(a), familyOf(b)];
    if (familyA !== familyB) return familyA - familyB;
    return familyA >= FAMILIES.indexOf('tier') ? a.name.localeCompare(b.name) : 0;
  });
}

function familyOf({ name }: Tag): number {
  const family = FAMILIES.indexOf(name.slice(0, name.indexOf('_')));
  return family === -1 ? FAMILIES.length : family;
}

/** The tag of the claims that judge one benchmark. */
export function benchmarkTag(benchmark: string): Tag {
  return tag('benchmark', benchmark, `claims that judge ${benchmark}`);
}

/** The tag of a tier. */
export function tierTag(tier: number): Tag {
  return { name: `tier_${tier}`, description: TIERS[tier - 1] ?? `tier ${tier}` };
}

/** The tag of cells that are not run for one reason. */
export function skippedTag(reason: string): Tag {
  return tag('skipped', reason, `cells that are not run here: ${reason.replaceAll('_', ' ')}`);
}

const TIERS = [
  'logistics: it started, ran and was cleaned up',
  'workload kind: what holds for all training or inference',
  'topology: what holds when it is distributed',
  'framework: its knobs were applied as asked',
  'benchmark: the figures the config asks for',
  'model: what is known about this model',
];

/** The bracket of a claim's name, `[framework-model-gpu-<knobs>-<cell>]`, for every cell of a config. */
export function bracketsOf(workload: Workload): (cellId: string) => string {
  const knobs = workload.id_knobs.flatMap((key) =>
    Object.hasOwn(workload.knobs, key) ? [normaliseTag(String(workload.knobs[key]))] : [],
  );
  const head = [workload.framework, workload.model.id, workload.target_gpu].map((part) => normaliseTag(part));
  const shared = [...head, ...knobs].join('-');
  return (cellId) => `[${shared}-${cellId}]`;
}

function tag(prefix: string, value: string, description: string): Tag {
  return { name: `${normaliseTag(prefix)}_${normaliseTag(value)}`, description };
}
