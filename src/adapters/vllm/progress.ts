import type { RunRequest } from '../../lifecycle/adapter.ts';
import { findFailures } from '../../verdicts/predicates/error-rate.ts';
import type { LineSource, ProgressWatch } from '../shared/program.ts';
import { vllmParams } from './params.ts';

/** What the server counted since the load began: the client's own bar is one line that ends when all is over. */
export interface Served {
  /** Requests that it answered. */
  readonly answered: number;
  /** Tokens that it made. */
  readonly tokens: number;
}

// The bar of tqdm: ` 12%|█▏        | 12/100 [00:01<00:11,  7.41it/s]`.
const BAR = /\|\s*(\d+)\/(\d+) \[\d+:\d+[^\]]*?([\d.]+(?:it\/s|s\/it))?\]/g;
const COUNTS = /^(Successful|Failed) requests:\s+(\d+)\s*$/;
const EVIDENCE_LINES = 8;

/** Follows the load client by its bar and its summary, and the server by what it counts. */
export function watchVllm({ cell }: Pick<RunRequest, 'cell'>, served: () => Served): ProgressWatch {
  const { num_prompts: total } = vllmParams.parse(cell.params);
  const last: string[] = [];
  const counts = { Successful: 0, Failed: 0 };
  let [lines, onBar, rate] = [0, 0, ''];
  return {
    line(line: string, _from: LineSource): void {
      lines += 1;
      last.push(line.slice(-200));
      if (last.length > EVIDENCE_LINES) last.shift();
      // A warm-up has a bar of its own, of another length.
      for (const [, done, of, speed] of line.matchAll(BAR)) {
        if (Number(of) === total) [onBar, rate] = [Number(done), speed ?? rate];
      }
      const [, which, count] = COUNTS.exec(line) ?? [];
      if (which === 'Successful' || which === 'Failed') counts[which] = Number(count);
    },
    status() {
      const { Successful: completed, Failed: failed } = counts;
      const failures = findFailures({ finished: completed + failed, failed });
      if (failures !== null) return { state: 'broken', predicate: 'error_rate', detail: failures, evidence: last };
      const { answered, tokens } = served();
      const done = Math.min(total, Math.max(onBar, answered, completed + failed));
      return {
        state: 'running',
        mark: lines + onBar + answered + tokens,
        progress: { done, total, unit: 'req', rate },
      };
    },
  };
}
