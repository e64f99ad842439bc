import type { RunRequest } from '../../lifecycle/adapter.ts';
import type { ProgressWatch, StepReport } from '../shared/program.ts';
import { watchTraining } from '../shared/training/watch.ts';
import type { StepParser } from '../shared/training/steps.ts';
import { logReader } from './log-reader.ts';
import { megatronParams } from './params.ts';
import type { MegatronParams } from './options.ts';
import type { TokenScale } from './step-lines.ts';

/** Watches the iterations that Megatron prints. */
export function watch(request: RunRequest, onStep: (step: StepReport) => void): ProgressWatch {
  const params = megatronParams.parse(request.cell.params);
  const readers = new Map<string, StepParser>();
  return watchTraining({
    total: params.train_iters,
    onStep,
    parseLine(line, { host }) {
      const reader = readers.get(host) ?? logReader(tokenScale(params));
      readers.set(host, reader);
      return reader(line);
    },
  });
}

/** What makes tokens of samples, as far as the params tell. */
export function tokenScale({ tp, pp, dp, fsdp, sequence_length: sequenceLength }: MegatronParams): TokenScale {
  return { worldSize: tp * pp * dp * fsdp, sequenceLength };
}
