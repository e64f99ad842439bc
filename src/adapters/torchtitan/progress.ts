import { gpusOfRole } from '../../config/schema/topology.ts';
import type { RunRequest } from '../../lifecycle/adapter.ts';
import type { ProgressWatch, StepReport } from '../shared/program.ts';
import { watchTraining } from '../shared/training/watch.ts';
import { parseStep } from './lines.ts';
import { torchtitanParams } from './params.ts';

/** Watches a training by what torchtitan prints. */
export function watchTorchtitan({ cell }: RunRequest, onStep: (step: StepReport) => void): ProgressWatch {
  const { steps, pipeline_parallel_degree: stages } = torchtitanParams.parse(cell.params);
  const devices = gpusOfRole(cell.topology, 'worker');
  const job = { devices, tokensPerStep: null, firstRank: 0, isPipelined: stages > 1 };
  return watchTraining({ total: steps, parseLine: (line) => parseStep(line, job), onStep });
}
