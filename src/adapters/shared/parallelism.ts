import { z } from 'zod';
import type { CellShape, Violation } from '../../config/schema/framework.ts';
import { gpusOfRole } from '../../config/schema/topology.ts';

const degree = z.int().min(1).default(1);

/** The degrees of parallelism of a training, in ranks; their product is the number of its GPUs. */
export const parallelismFields = {
  tp: degree.describe('Tensor parallel: ranks that share the work of each layer.'),
  pp: degree.describe('Pipeline parallel: stages that the layers are cut into, one after the other.'),
  dp: degree.describe('Data parallel: whole copies of the model, each with its own share of the batch.'),
  fsdp: degree.describe(
    'Fully sharded data parallel: ranks that share one copy of the model, each with its own share of the batch.',
  ),
};

const ORDER = ['tp', 'pp', 'dp', 'fsdp'] as const;

type Degrees<Name extends string> = Readonly<Record<Name, number>>;

/** Every GPU of the role worker is one rank: the degrees multiply to the number of GPUs, or this says by how much not. */
export function checkParallelism(cell: CellShape<Degrees<(typeof ORDER)[number]>>): readonly Violation[] {
  return checkProduct(cell, ORDER);
}

/** The same for degrees by other names. */
export function checkProduct<Name extends string>(
  { params, topology }: CellShape<Degrees<Name>>,
  names: readonly Name[],
): readonly Violation[] {
  const worker = topology.roles['worker'];
  const gpus = gpusOfRole(topology, 'worker');
  const degrees = names.map((name) => params[name]);
  const product = degrees.reduce((total, one) => total * one, 1);
  if (worker === undefined || product === gpus) return [];
  const { count, gpus_per_node: perNode } = worker;
  return [
    {
      field: names.find((name) => params[name] !== 1) ?? names[0] ?? 'params',
      message:
        `${names.join('*')} = ${degrees.join('*')} = ${product}, ` +
        `but role worker has ${plural(gpus, 'GPU')} (${plural(count, 'node')} x ${perNode})`,
      hint:
        gpus === 0 ? 'add gpus_per_node to role worker' : `make the product ${gpus}, or change count or gpus_per_node`,
    },
  ];
}

function plural(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}
