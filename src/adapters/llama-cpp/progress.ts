import type { ProgressStatus } from '../../lifecycle/adapter.ts';
import type { LoadProgress } from '../shared/load-tally.ts';
import { judgeServing } from '../shared/serving-progress.ts';
import type { Serving } from './props.ts';

/** The load is as far as its requests that have ended; a server that died, or refuses most of them, ends it. */
export function llamaCppProgress({ launched }: Serving, load: LoadProgress): ProgressStatus {
  return judgeServing(launched, load);
}
