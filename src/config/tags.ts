import type { Workload } from './schema.ts';
import { topologyKind } from './topology.ts';
import type { Topology } from './topology.ts';

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

/** The tags that all claims of a cell carry. */
export function tagsOfCell(workload: Workload, cellId: string, topology: Topology): readonly Tag[] {
  const kind = topologyKind(topology);
  return [
    tag('framework', workload.framework, `runs on ${workload.framework}`),
    tag('model', workload.model.id, `model ${workload.model.id}`),
    tag('workload', workload.workload_kind, `${workload.workload_kind} workloads`),
    tag('topology', kind, `${kind} topology`),
    tag('gpu', workload.target_gpu, `made for ${workload.target_gpu}`),
    ...Object.entries(workload.knobs).map(([key, value]) =>
      tag(`knob_${key}`, String(value), `knob ${key} = ${value}`),
    ),
    tag('config', workload.test_id, `config ${workload.test_id}`),
    tag('cell', cellId, `cell ${cellId}`),
  ];
}

/** The tag of the claims that judge one benchmark. */
export function benchmarkTag(benchmark: string): Tag {
  return tag('benchmark', benchmark, `claims that judge ${benchmark}`);
}

/** The tag of a tier. */
export function tierTag(tier: number): Tag {
  return { name: `tier_${tier}`, description: TIERS[tier - 1] ?? `tier ${tier}` };
}

const TIERS = [
  'logistics: it started, ran and was cleaned up',
  'workload kind: what holds for all training or inference',
  'topology: what holds when it is distributed',
  'framework: its knobs were applied as asked',
  'benchmark: the figures the config asks for',
  'model: what is known about this model',
];

/** The bracket of a claim's name: `[framework-model-gpu-<knobs>-<cell>]`. */
export function bracketOf(workload: Workload, cellId: string): string {
  const knobs = workload.id_knobs.flatMap((key) => {
    const value = workload.knobs[key];
    return value === undefined ? [] : [normaliseTag(String(value))];
  });
  const head = [workload.framework, workload.model.id, workload.target_gpu].map((part) => normaliseTag(part));
  return `[${[...head, ...knobs, cellId].join('-')}]`;
}

function tag(prefix: string, value: string, description: string): Tag {
  return { name: `${normaliseTag(prefix)}_${normaliseTag(value)}`, description };
}
