import { findFailures } from '../../verdicts/predicates/error-rate.ts';
import type { Program } from '../shared/program.ts';
import { plainLine } from '../shared/role-logs.ts';
import { toyServingParams } from './params.ts';

const LINE = /^request \d+ (done|failed)$/;

/** The load is as far as the client's lines; one of which most requests fail is ended. */
export const watchToyServing: Program['watch'] = ({ cell }) => {
  const { num_prompts: total } = toyServingParams.parse(cell.params);
  let [lines, finished, failed] = [0, 0, 0];
  return {
    line(line) {
      lines += 1;
      const [, end] = LINE.exec(plainLine(line)) ?? [];
      if (end !== undefined) finished += 1;
      if (end === 'failed') failed += 1;
    },
    status() {
      const detail = findFailures({ finished, failed });
      if (detail !== null) return { state: 'broken', predicate: 'error_rate', detail, evidence: [] };
      return { state: 'running', mark: lines, progress: { done: finished, total, unit: 'req', rate: '' } };
    },
  };
};
