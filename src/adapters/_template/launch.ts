import type { RunRequest } from '../../lifecycle/adapter.ts';
import type { ProgramPlan } from '../shared/program.ts';
import { toyParams } from './params.ts';

/** One trainer on the worker's host; it ends by itself. */
export function planToy({ cell }: RunRequest): ProgramPlan {
  const { steps, learning_rate: rate } = toyParams.parse(cell.params);
  const args = ['--steps', String(steps), '--learning-rate', String(rate), '--seed', String(cell.workload.seed)];
  return {
    servers: [],
    workers: [
      {
        role: 'worker',
        after: [],
        command: () => ({ file: 'toytrain', args }),
        readiness: { kind: 'started' },
      },
    ],
    results: [],
  };
}
