import type { Program } from '../shared/program.ts';
import { watchTraining } from '../shared/training/watch.ts';
import { toyParams } from './params.ts';
import { parseStep } from './parse.ts';

/** A training is as far as its last step line; one whose loss is no number any more is ended. */
export const watchToy: Program['watch'] = ({ cell }, onStep) =>
  watchTraining({ total: toyParams.parse(cell.params).steps, parseLine: parseStep, onStep });
