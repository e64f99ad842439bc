import { resolve } from 'node:path';
import { WorkloadFailure } from '../../evidence/failure.ts';
import type { RunRequest } from '../../lifecycle/adapter.ts';
import { flagWords } from '../shared/flag-words.ts';
import type { InferencemaxParams } from './params.ts';
import { RESULTS } from './result-files.ts';

/** Where the load goes, and its result. */
interface Target {
  readonly baseUrl: string;
  readonly model: string;
  /** The folder of the result file. */
  readonly folder: string;
}

/** The flags of `benchmark_serving.py`, as InferenceX's own runner gives them, and those that the config adds. */
export function benchWords(
  { cell }: Pick<RunRequest, 'cell'>,
  params: InferencemaxParams,
  target: Target,
): readonly string[] {
  return flagWords({
    model: target.model,
    backend: params.bench_backend,
    'base-url': target.baseUrl,
    endpoint: params.bench_backend === 'openai-chat' ? '/v1/chat/completions' : undefined,
    'dataset-name': params.dataset_name,
    'dataset-path': datasetOf(cell, params),
    'random-input-len': params.isl,
    'random-output-len': params.osl,
    'random-range-ratio': params.random_range_ratio,
    'random-prefix-len': params.random_prefix_len,
    'use-chat-template': params.use_chat_template === true ? true : undefined,
    'num-prompts': params.num_prompts,
    'num-warmups': params.num_warmups ?? 2 * params.concurrency,
    'max-concurrency': params.concurrency,
    'request-rate': params.request_rate ?? 'inf',
    burstiness: params.burstiness,
    seed: cell.workload.seed,
    'tokenizer-mode': params.tokenizer_mode,
    'trust-remote-code': params.trust_remote_code === true ? true : undefined,
    'ignore-eos': true,
    'percentile-metrics': params.percentile_metrics.join(','),
    'metric-percentiles': params.metric_percentiles.join(','),
    'save-result': true,
    // Without it there is a summary, and no request that a verdict could point at.
    'save-detailed': true,
    'result-dir': target.folder,
    'result-filename': RESULTS.raw,
    ...params.bench_args,
  });
}

function datasetOf({ workload, configFolder }: RunRequest['cell'], params: InferencemaxParams): string | undefined {
  if (params.dataset_name === 'random') return undefined;
  const { dataset } = workload;
  if (dataset === undefined) {
    const message = `dataset_name ${params.dataset_name} needs prompts - add a \`dataset:\` with their \`path:\``;
    throw new WorkloadFailure('setup_failure', message);
  }
  return dataset.path === undefined ? dataset.id : resolve(configFolder, dataset.path);
}
