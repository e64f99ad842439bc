import { plainLine } from '../shared/role-logs.ts';
import { GB_PER_GIB } from '../shared/training/memory.ts';
import type { StepLine } from '../shared/training/steps.ts';
import { parseIterationLine } from './iteration-line.ts';

// What is taken from the device is whole MB: a number that goes on behind the point was cut off, or is none of these.
const REPORT =
  /\[Rank (\d{1,7})\] \(after (\d{1,12}) iterations\) memory \(MB\) \|.*\| max reserved: (\d+)\.0{1,2}\s*$/;
const FULLEST = /^rank-(\d{1,7}) rocm max mem usage\/usage_ratio$/;
const MIB_PER_GIB = 1024;

/**
 * What a line says of the memory of one rank other than the one that prints the iterations: the most that its allocator
 * ever took from the device, which Megatron reports of some ranks after the first iterations, and the fullest GPU,
 * which Primus names in each. What they call MB and GB are MiB and GiB.
 */
export function parseMemoryLine(line: string): StepLine | null {
  const report = line.includes('max reserved') ? REPORT.exec(plainLine(line)) : null;
  if (report !== null) {
    const values = { mem_used_gb: (Number(report[3]) / MIB_PER_GIB) * GB_PER_GIB };
    return { step: Number(report[2]), tsMs: null, rank: Number(report[1]), values };
  }
  const iteration = line.includes('max mem usage') ? parseIterationLine(line) : null;
  for (const [name, [used]] of iteration?.fields ?? []) {
    const fullest = FULLEST.exec(name);
    if (iteration === null || fullest === null || used === undefined) continue;
    const values = { mem_used_gb: used * GB_PER_GIB };
    return { step: iteration.iteration, tsMs: iteration.tsMs, rank: Number(fullest[1]), values };
  }
  return null;
}
