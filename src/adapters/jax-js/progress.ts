import type { Program } from '../shared/program.ts';
import { watchTraining } from '../shared/training/watch.ts';
import { jaxJsParams } from './params.ts';
import { parseStepLine } from './step-lines.ts';

/** Watches a training by the steps that its ranks print. */
export const watchSteps: Program['watch'] = ({ cell }, onStep) => {
  const { steps: total } = jaxJsParams.parse(cell.params);
  return watchTraining({ total, firstStep: 0, parseLine: parseStepLine, onStep });
};
