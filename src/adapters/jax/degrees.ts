import { WorkloadFailure } from '../../evidence/failure.ts';
import type { JaxParams } from './params.ts';

/** The axes of MaxText's mesh that a config sets, by their names in its options. */
export const MESH_AXES = ['data', 'pipeline', 'fsdp', 'expert', 'context', 'tensor'] as const;
type MeshAxis = (typeof MESH_AXES)[number];

/** Degrees of parallelism, by axis of the mesh. */
export type Degrees = Readonly<Record<MeshAxis, number>>;

/** The degrees as MaxText counts them: contexts and experts are apart from the fsdp ranks that they are taken from. */
export function meshDegrees({ tp, pp, dp, fsdp, cp, ep }: JaxParams): Degrees {
  return { data: dp, pipeline: pp, fsdp: fsdp / (cp * ep), expert: ep, context: cp, tensor: tp };
}

/** Degrees between nodes (`dcn`) and within one (`ici`): their products are the degrees of the job. */
export interface SplitDegrees {
  readonly dcn: Degrees;
  readonly ici: Degrees;
}

/**
 * Splits degrees over nodes: between them goes first what talks least, data parallelism, and last what talks most, tensor
 * parallelism.
 *
 * @throws WorkloadFailure setup_failure when they do not fit so many nodes of so many GPUs.
 */
export function splitDegrees(degrees: Degrees, nodes: number, gpusPerNode: number): SplitDegrees {
  const dcn: Record<MeshAxis, number> = { ...degrees };
  let left = nodes;
  for (const axis of MESH_AXES) {
    dcn[axis] = greatestCommonDivisor(left, degrees[axis]);
    left /= dcn[axis];
  }
  const ici = mapAxes((axis) => degrees[axis] / dcn[axis]);
  const perNode = MESH_AXES.reduce((product, axis) => product * ici[axis], 1);
  if (left === 1 && perNode === gpusPerNode) return { dcn, ici };
  const asked = MESH_AXES.map((axis) => `${axis} ${degrees[axis]}`).join(', ');
  throw new WorkloadFailure(
    'setup_failure',
    `${asked} cannot be split over ${nodes} nodes of ${gpusPerNode} GPUs - make the product of tp, pp, dp and fsdp ${nodes * gpusPerNode}`,
  );
}

/** Degrees in one line, to compare what was asked with what is in force. */
export function describeDegrees(degrees: Degrees): string {
  return MESH_AXES.map((axis) => `${axis}=${degrees[axis]}`).join(' ');
}

/** One degree per axis. */
export function mapAxes(degreeOf: (axis: MeshAxis) => number): Degrees {
  return Object.fromEntries(MESH_AXES.map((axis) => [axis, degreeOf(axis)])) as Degrees;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
