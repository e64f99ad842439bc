import type { RunRequest } from '../../lifecycle/adapter.ts';
import type { ProgressWatch } from '../shared/program.ts';
import { picturesAsked, pytorchXditParams } from './params.ts';

/** What is printed when a picture is done: by Flux, by Wan, and by xDiT's own examples. */
const DONE = /\b(?:Pipe epoch time|epoch time|Benchmark step \d+ elapsed time): *[\d.]+/;

/** Listens to a pipeline: how many pictures it has made. One rank alone says so. */
export function watchPytorchXdit({ cell }: Pick<RunRequest, 'cell'>): ProgressWatch {
  const params = pytorchXditParams.parse(cell.params);
  const total = picturesAsked(params) ?? 1;
  let [mark, done] = [0, 0];
  return {
    line: (line) => {
      mark += 1;
      if (DONE.test(line) && !line.includes('VAE decode')) done += 1;
    },
    status: () => ({
      state: 'running',
      mark,
      progress: {
        done,
        total: Math.max(done, total),
        unit: params.pipeline === 'flux_t2i' ? 'image' : 'video',
        rate: '',
      },
    }),
  };
}
