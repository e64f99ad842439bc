import { gpusOfRole } from '../../config/schema/topology.ts';
import type { RunRequest } from '../../lifecycle/adapter.ts';
import type { ProgressWatch, StepReport } from '../shared/program.ts';
import { watchTraining } from '../shared/training/watch.ts';
import { parseStep } from './lines.ts';
import { jaxParams } from './params.ts';

/** Watches a training by what MaxText prints; its steps count from 0. */
export function watchJax({ cell }: RunRequest, onStep: (step: StepReport) => void): ProgressWatch {
  const devices = gpusOfRole(cell.topology, 'worker');
  return watchTraining({
    total: jaxParams.parse(cell.params).steps,
    firstStep: 0,
    parseLine: (line) => parseStep(line, devices),
    onStep,
  });
}
