import { GB_PER_GIB } from '../shared/training/memory.ts';
import type { StepLine, StepParser } from '../shared/training/steps.ts';
import { parseIterationLine } from './iteration-line.ts';
import type { IterationLine } from './iteration-line.ts';

/** What makes tokens of the samples in a log. */
export interface TokenScale {
  /** Ranks of the job, one per GPU. */
  readonly worldSize: number;
  /** Tokens of a sample. */
  readonly sequenceLength: number;
}

/** Printed as GB, and counted in GiB. */
const MEMORY = 'mem_used_gb';

/** The metric of each field, in the spelling of each of the family; what is not in it is no metric of ours. */
const METRICS: ReadonlyMap<string, string> = new Map([
  ['lm loss', 'loss'],
  ['lm_loss', 'loss'],
  ['loss', 'loss'],
  ['elapsed time per iteration (ms)', 'step_time_ms'],
  ['throughput per GPU (TFLOP/s/GPU)', 'tflops_per_gpu'],
  ['TFLOPs', 'tflops_per_gpu'],
  ['approx flops per GPU', 'tflops_per_gpu'],
  ['tokens per GPU (tokens/s/GPU)', 'tokens_per_gpu'],
  ['tokens per gpu per second (tgs)', 'tokens_per_gpu'],
  ['grad norm', 'grad_norm'],
  ['learning rate', 'learning_rate'],
  ['loss scale', 'loss_scale'],
  ['number of skipped iterations', 'skipped_iterations'],
  ['number of nan iterations', 'nan_iterations'],
  ['rocm mem usage/free/total/usage_ratio', MEMORY],
  ['hip mem usage/free/total/usage_ratio', MEMORY],
]);

/** Makes the parser that turns an iteration line into a step, with the tokens that it does not count itself. */
export function stepParser(scale: TokenScale): StepParser {
  return (line) => {
    const read = parseIterationLine(line);
    return read === null ? null : stepOf(read, scale);
  };
}

/** Whether a line gives the times of its own iteration beside their average: one that does not may give the average alone. */
export function isPaired(line: string): boolean {
  const times = parseIterationLine(line)?.fields.get('elapsed time per iteration (ms)');
  return times !== undefined && times.length > 1;
}

function stepOf({ iteration, tsMs, rank, fields }: IterationLine, scale: TokenScale): StepLine {
  const values: Record<string, number> = {};
  for (const [name, [value]] of fields) {
    const metric = METRICS.get(name);
    if (metric !== undefined && value !== undefined) values[metric] = metric === MEMORY ? value * GB_PER_GIB : value;
  }
  const [seconds] = fields.get('elapsed time per iteration (s)') ?? [];
  if (seconds !== undefined) values['step_time_ms'] = seconds * 1000;
  correctLoss(values, fields);
  addTokens(values, fields, scale);
  return { step: iteration, tsMs, rank, values };
}

/**
 * Megatron prints a mean loss only when it is at least 0. So a loss that is left out, though no iteration was skipped, was
 * not a number; and where iterations were skipped, a 0 is the mean over none.
 */
function correctLoss(values: Record<string, number>, fields: IterationLine['fields']): void {
  const skipped = values['skipped_iterations'] ?? 0;
  if (skipped > 0 && values['loss'] === 0) delete values['loss'];
  // The last field of a line that is whole.
  const isWhole = values['nan_iterations'] !== undefined;
  const saysLoss = [...fields.keys()].some((name) => name !== 'loss scale' && name.includes('loss'));
  if (isWhole && !saysLoss && skipped === 0) values['loss'] = NaN;
}

function addTokens(
  values: Record<string, number>,
  fields: IterationLine['fields'],
  { worldSize, sequenceLength }: TokenScale,
): void {
  const [length = sequenceLength] = fields.get('actual seqlen') ?? [];
  const samples = samplesPerSecond(values['step_time_ms'], fields);
  const perGpu = values['tokens_per_gpu'];
  const throughput = samples === null ? (perGpu ?? NaN) * worldSize : samples * length;
  if (Number.isNaN(throughput)) return;
  values['throughput'] = throughput;
  values['tokens_per_gpu'] = perGpu ?? throughput / worldSize;
}

function samplesPerSecond(stepMs: number | undefined, fields: IterationLine['fields']): number | null {
  const [batch] = fields.get('global batch size') ?? [];
  if (batch !== undefined && stepMs !== undefined && stepMs > 0) return batch / (stepMs / 1000);
  const [printed] = fields.get('samples per second') ?? fields.get('samples/sec') ?? [];
  return printed ?? null;
}
