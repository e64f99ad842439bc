import { nearest } from '../core/nearest.ts';
import type { SweepPoint } from './axis.ts';
import type { CellMistake } from './cell-mistakes.ts';
import type { FrameworkSpec } from './framework.ts';
import { explainIssues } from './issues.ts';
import type { Unplaced } from './issues.ts';
import { topologySchema, totalGpus } from './topology.ts';
import type { Topology } from './topology.ts';
import type { PathStep } from './yaml-source.ts';

/** A cell's topology; null when there is none, or a wrong one. */
interface CheckedTopology {
  readonly topology: Topology | null;
  readonly mistakes: readonly CellMistake[];
}

/** What a topology must fit besides its schema. */
export interface TopologyNeeds {
  readonly spec: FrameworkSpec;
  readonly targetGpu: string;
}

/** Checks the topology that a cell runs on: the one of its option, else the config's. */
export function checkTopology(
  point: SweepPoint,
  configured: Topology | undefined,
  needs: TopologyNeeds,
): CheckedTopology {
  if (point.topology === null) {
    if (configured === undefined) return { topology: null, mistakes: [{ ...MISSING, cellId: point.cellId }] };
    return { topology: configured, mistakes: topologyMistakes(configured, ['topology'], needs) };
  }
  const { value } = point.topology;
  const path = ['sweep', ...point.topology.path];
  const result = topologySchema.safeParse(value);
  if (result.success) return { topology: result.data, mistakes: topologyMistakes(result.data, path, needs) };
  const issues = explainIssues(topologySchema, result.error, value);
  return { topology: null, mistakes: issues.map((issue) => ({ ...issue, path: [...path, ...issue.path] })) };
}

/** A topology that no cell runs on, because every option of an axis has its own. */
export function unusedTopology(configured: Topology | undefined, points: readonly SweepPoint[]): readonly Unplaced[] {
  const axis = points[0]?.topology?.path[0];
  if (configured === undefined || axis === undefined || points.some(({ topology }) => topology === null)) return [];
  const message = `is never used: every option of sweep.${axis} has a topology of its own`;
  return [{ path: ['topology'], message, hint: 'remove one of the two' }];
}

const MISSING = {
  path: ['topology'],
  message: 'is missing',
  hint: 'add `topology: {roles: {server: {count: 1, gpus_per_node: 8}}}` with the roles and nodes that a cell needs',
};

function topologyMistakes(
  topology: Topology,
  path: readonly PathStep[],
  { spec, targetGpu }: TopologyNeeds,
): readonly Unplaced[] {
  return [...roleMistakes(topology, path, spec), ...gpuMistakes(topology, path, targetGpu)];
}

function roleMistakes(
  topology: Topology,
  path: readonly PathStep[],
  { name, roles }: FrameworkSpec,
): readonly Unplaced[] {
  const known = [...roles.required, ...roles.optional];
  const written = Object.keys(topology.roles);
  const unknown = written.filter((role) => !known.includes(role));
  const meant = new Set(unknown.map((role) => nearest(role, known)));
  const missing = roles.required.filter((role) => !written.includes(role) && !meant.has(role));
  return [
    ...unknown.map((role) => {
      const near = nearest(role, known);
      const hint = near === null ? `use ${known.join(', ')}` : `did you mean \`${near}\`?`;
      return { path: [...path, 'roles', role], message: `${name} has no role ${role}`, hint };
    }),
    ...missing.map((role) => ({
      path: [...path, 'roles'],
      message: `${name} needs the role ${role}`,
      hint: `add \`${role}: {count: 1, gpus_per_node: 8}\``,
    })),
  ];
}

function gpuMistakes(topology: Topology, path: readonly PathStep[], targetGpu: string): readonly Unplaced[] {
  const gpus = totalGpus(topology);
  if (targetGpu === 'cpu' && gpus > 0) {
    const message = `asks for ${gpus} ${gpus === 1 ? 'GPU' : 'GPUs'}, and target_gpu is cpu`;
    return [{ path: [...path, 'roles'], message, hint: 'name the GPU in `target_gpu:`, or remove gpus_per_node' }];
  }
  if (targetGpu === 'cpu' || gpus > 0) return [];
  const message = `no role asks for a GPU, and target_gpu is ${targetGpu}`;
  return [{ path: [...path, 'roles'], message, hint: 'add gpus_per_node to a role, or write `target_gpu: cpu`' }];
}
