import { nearest } from '../../core/nearest.ts';
import type { SweepPoint } from '../axis.ts';
import type { CellMistake } from './cell-mistakes.ts';
import type { FrameworkSpec } from '../schema/framework.ts';
import { explainIssues } from '../issues/issues.ts';
import type { Unplaced } from '../issues/issues.ts';
import { valueAt } from '../issues/schema-lookup.ts';
import { listOf } from '../issues/schema-words.ts';
import { topologySchema, totalGpus } from '../schema/topology.ts';
import type { Topology } from '../schema/topology.ts';
import type { PathStep } from '../yaml/yaml-source.ts';

/** A cell's topology; null when there is none, or a wrong one. */
interface CheckedTopology {
  readonly topology: Topology | null;
  readonly mistakes: readonly CellMistake[];
}

/** What a topology must fit besides its schema. */
export interface TopologyNeeds {
  readonly spec: FrameworkSpec;
  /** Null when it is not known. */
  readonly targetGpu: string | null;
}

/** Checks the topology that a cell runs on: the one of its option, else the config's. Each is checked once. */
export function topologyCheck(
  configured: Topology | undefined,
  needs: TopologyNeeds,
): (point: SweepPoint) => CheckedTopology {
  const ofOptions = new Map<OwnTopology, CheckedTopology>();
  const ofConfig =
    configured === undefined
      ? null
      : { topology: configured, mistakes: topologyMistakes(configured, ['topology'], needs) };
  return ({ topology: own, cellId }) => {
    if (own === null) return ofConfig ?? { topology: null, mistakes: [{ ...missing(needs), cellId }] };
    const checked = ofOptions.get(own) ?? checkOwn(own, needs);
    ofOptions.set(own, checked);
    return checked;
  };
}

type OwnTopology = NonNullable<SweepPoint['topology']>;

function checkOwn(own: OwnTopology, needs: TopologyNeeds): CheckedTopology {
  const { value } = own;
  const path = ['sweep', ...own.path];
  const result = topologySchema.safeParse(value);
  if (result.success) return { topology: result.data, mistakes: topologyMistakes(result.data, path, needs) };
  const issues = explainIssues(topologySchema, result.error, value);
  const ofFields = issues.map((issue) => ({ ...issue, path: [...path, ...issue.path] }));
  return { topology: null, mistakes: [...ofFields, ...checkRoles(value, path, needs)] };
}

/** A topology that no cell runs on, because every option of an axis has its own. */
export function unusedTopology(configured: Topology | undefined, points: readonly SweepPoint[]): readonly Unplaced[] {
  const axis = points[0]?.topology?.path[0];
  if (configured === undefined || axis === undefined || points.some(({ topology }) => topology === null)) return [];
  const message = `is never used: every option of sweep.${axis} has a topology of its own`;
  return [{ path: ['topology'], message, hint: 'remove one of the two' }];
}

function missing(needs: TopologyNeeds): Unplaced {
  const roles = needs.spec.roles.required.map((role) => exampleOf(role, needs)).join(', ');
  const hint = `add \`topology: {roles: {${roles}}}\` with the nodes that a cell needs`;
  return { path: ['topology'], message: 'is missing', hint };
}

function exampleOf(role: string, { targetGpu }: TopologyNeeds): string {
  return targetGpu === 'cpu' ? `${role}: {count: 1}` : `${role}: {count: 1, gpus_per_node: 8}`;
}

function topologyMistakes(topology: Topology, path: readonly PathStep[], needs: TopologyNeeds): readonly Unplaced[] {
  return [...checkRoles(topology, path, needs), ...gpuMistakes(topology, path, needs.targetGpu)];
}

/** The roles of a topology, whatever else is wrong with it, that the framework does not have, and those that it needs besides. */
export function checkRoles(topology: unknown, path: readonly PathStep[], needs: TopologyNeeds): readonly Unplaced[] {
  const roles = valueAt(topology, ['roles']);
  if (typeof roles !== 'object' || roles === null || Array.isArray(roles)) return [];
  const { name, roles: own } = needs.spec;
  const known = [...own.required, ...own.optional];
  const written = Object.keys(roles);
  const unknown = written.filter((role) => !known.includes(role));
  const near = new Map(
    unknown.map((role) => [
      role,
      nearest(
        role,
        known.filter((one) => !written.includes(one)),
      ),
    ]),
  );
  const missing = own.required.filter((role) => !written.includes(role) && ![...near.values()].includes(role));
  const renamed = unknown.map((role) => {
    // A role of another name where one is missing is one mistake.
    const meant = near.get(role) ?? missing.shift();
    const hint = meant === undefined ? `remove it; ${name} has ${listOf(known, 'and')}` : `did you mean \`${meant}\`?`;
    return { path: [...path, 'roles', role], message: `${name} has no role ${role}`, hint };
  });
  return [
    ...renamed,
    ...missing.map((role) => ({
      path: [...path, 'roles'],
      message: `${name} needs the role ${role}`,
      hint: `add \`${exampleOf(role, needs)}\``,
    })),
  ];
}

function gpuMistakes(topology: Topology, path: readonly PathStep[], targetGpu: string | null): readonly Unplaced[] {
  const gpus = totalGpus(topology);
  if (targetGpu === null) return [];
  if (targetGpu === 'cpu' && gpus > 0) {
    const message = `asks for ${gpus} ${gpus === 1 ? 'GPU' : 'GPUs'}, and target_gpu is cpu`;
    return [{ path: [...path, 'roles'], message, hint: 'name the GPU in `target_gpu:`, or remove gpus_per_node' }];
  }
  if (targetGpu === 'cpu' || gpus > 0) return [];
  const message = `no role asks for a GPU, and target_gpu is ${targetGpu}`;
  return [{ path: [...path, 'roles'], message, hint: 'add `gpus_per_node: 8` to a role, or write `target_gpu: cpu`' }];
}
