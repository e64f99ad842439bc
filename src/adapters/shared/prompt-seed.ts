import type { Cell } from '../../config/cell.ts';
import { hashOf } from '../../core/hash.ts';

/**
 * The seed of a cell's prompts, 32 bits, as much as NumPy takes: the same in every run of the cell. Equal prompts in two
 * cells would let the prefix cache of a server that both use answer the second one.
 */
export function promptSeed({ workload, cellId }: Pick<Cell, 'workload' | 'cellId'>): number {
  return Number.parseInt(hashOf([workload.seed, cellId]).slice(-8), 16);
}
