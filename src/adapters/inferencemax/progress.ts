import type { RunRequest } from '../../lifecycle/adapter.ts';
import type { ProgressWatch } from '../shared/program.ts';
import { inferencemaxParams } from './params.ts';

/** The bar of tqdm: ` 12%|#2 | 12/100 [00:01<00:08, 10.1it/s]`; a line may hold several, redrawn. */
const BAR = /\b(\d+)\/(\d+) \[/g;

/** Listens to the load client, or to a recipe that sends the load itself: how many requests have ended. */
export function watchInferencemax({ cell }: Pick<RunRequest, 'cell'>): ProgressWatch {
  // The bar says how many when the client decides it.
  const { num_prompts: asked = 1 } = inferencemaxParams.parse(cell.params);
  let [mark, done, total] = [0, 0, asked];
  return {
    line: (line) => {
      mark += 1;
      const last = [...line.matchAll(BAR)].at(-1);
      if (last === undefined) return;
      [done, total] = [Number(last[1]), Number(last[2])];
    },
    status: () => ({ state: 'running', mark, progress: { done, total, unit: 'req', rate: '' } }),
  };
}
