import type { Violation } from '../../config/schema/framework.ts';
import { gpusOfRole, totalGpus } from '../../config/schema/topology.ts';
import type { Topology } from '../../config/schema/topology.ts';

/**
 * Whether a role has a GPU for each process that its degrees of parallelism multiply up to; the degrees stand under
 * the params that set them. A topology without GPUs runs on CPUs, where nothing limits the product.
 */
export function checkGpuBudget(
  degrees: Readonly<Record<string, number>>,
  role: string,
  topology: Topology,
): readonly Violation[] {
  const processes = productOf(degrees);
  const gpus = gpusOfRole(topology, role);
  const placed = topology.roles[role];
  if (placed === undefined || totalGpus(topology) === 0 || processes <= gpus) return [];
  const nodes = counted(placed.count, 'node');
  return [
    {
      field: largestOf(degrees),
      message: `${writeProduct(degrees)}, but role ${role} has ${counted(gpus, 'GPU')} (${nodes} x ${placed.gpus_per_node})`,
      hint:
        gpus === 0
          ? `set gpus_per_node of role ${role}`
          : `make ${Object.keys(degrees).length === 1 ? 'it' : 'the product'} at most ${gpus}, or raise count or gpus_per_node`,
    },
  ];
}

/** How many processes some degrees of parallelism multiply up to. */
export function productOf(degrees: Readonly<Record<string, number>>): number {
  return Object.values(degrees).reduce((product, degree) => product * degree, 1);
}

/** Degrees of parallelism as people write them: `tensor_parallelism*data_parallelism = 8*2 = 16`. */
export function writeProduct(degrees: Readonly<Record<string, number>>): string {
  const names = Object.keys(degrees).join('*');
  const values = Object.values(degrees);
  return values.length === 1
    ? `${names} = ${values.join('')}`
    : `${names} = ${values.join('*')} = ${productOf(degrees)}`;
}

/** The param that contributes most: the one to blame. */
export function largestOf(degrees: Readonly<Record<string, number>>): string {
  const [first, ...others] = Object.entries(degrees);
  if (first === undefined) return '';
  return others.reduce((largest, degree) => (degree[1] > largest[1] ? degree : largest), first)[0];
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
