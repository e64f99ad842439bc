import type { RunRequest } from '../../lifecycle/adapter.ts';
import { findFailures } from '../../verdicts/predicates/error-rate.ts';
import type { ProgressWatch } from '../shared/program.ts';
import { requestCount } from './bench-argv.ts';
import type { Served } from './observe.ts';
import { sglangDisaggParams } from './params.ts';

// The bar of tqdm: ` 12%|█▏        | 12/100 [00:01<00:11,  7.41it/s]`.
const BAR = /\|\s*(\d+)\/(\d+) \[\d+:\d+[^\]]*?([\d.]+(?:it\/s|s\/it))?\]/g;
const COMPLETED = /^Successful requests:\s+(\d+)\s*$/;
const EVIDENCE_LINES = 8;

/**
 * Follows the load client by its bar and its summary, and the servers by what they count: the bar may be one line that
 * ends when all is over.
 */
export function watchSglang({ cell }: Pick<RunRequest, 'cell'>, served: () => Served): ProgressWatch {
  const total = requestCount(sglangDisaggParams.parse(cell.params));
  const last: string[] = [];
  let [lines, onBar, rate] = [0, 0, ''];
  let completed: number | null = null;
  return {
    line(line: string): void {
      lines += 1;
      last.push(line.slice(-200));
      if (last.length > EVIDENCE_LINES) last.shift();
      for (const [, done, of, speed] of line.matchAll(BAR)) {
        if (Number(of) === total) [onBar, rate] = [Number(done), speed ?? rate];
      }
      const count = COMPLETED.exec(line)?.[1];
      if (count !== undefined) completed = Number(count);
    },
    status() {
      const failed = completed === null ? 0 : Math.max(0, total - completed);
      const failures = findFailures({ finished: completed === null ? 0 : total, failed });
      if (failures !== null) return { state: 'broken', predicate: 'error_rate', detail: failures, evidence: [...last] };
      const { requests, tokens } = served();
      const done = Math.min(total, Math.max(onBar, requests, completed ?? 0));
      return {
        state: 'running',
        mark: lines + onBar + requests + tokens,
        progress: { done, total, unit: 'req', rate },
      };
    },
  };
}
