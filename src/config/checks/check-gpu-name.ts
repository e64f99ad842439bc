import { gpuFamilyOf, gpusLike } from '../../core/gpu-family.ts';
import type { Unplaced } from '../issues/issues.ts';
import { listOf } from '../issues/schema-words.ts';
import { show } from '../issues/show.ts';
import type { Workload } from '../schema/schema.ts';

/**
 * A `target_gpu` that looks like a slip: one that nodes with this very GPU are refused for, or the name of no GPU that
 * is near to some. `labels` are those of the nodes there are: what they are called is none.
 */
export function checkGpuName(
  { target_gpu: target }: Pick<Workload, 'target_gpu'>,
  labels: readonly string[],
): readonly Unplaced[] {
  const path = ['target_gpu'];
  const family = gpuFamilyOf(target);
  if (family !== null) {
    if (family === target.toLowerCase()) return [];
    const message = `${show(target)} is more than the name of a GPU: a node with ${family} is refused`;
    return [{ path, message, hint: `write ${family}` }];
  }
  const meant = gpusLike(target, labels);
  if (meant.length === 0) return [];
  const hint = `did you mean ${listOf(meant, 'or')}? If not, give its nodes this label in the cluster file`;
  return [{ path, message: `${show(target)} is no GPU known here`, hint }];
}
