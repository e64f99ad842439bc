import { resolve } from 'node:path';
import type { Cell } from '../../config/cell.ts';
import { WorkloadFailure } from '../../evidence/failure.ts';
import { promptSeed } from '../shared/prompt-seed.ts';
import { flagWords } from '../shared/flag-words.ts';
import type { Flags } from '../shared/flag-words.ts';
import { modelOf, onlyTrue, plainFlags } from './server-argv.ts';
import type { SglangParams } from './params.ts';

/** The file that the load client appends its result to, in its folder and among the attachments. */
export const BENCH_RESULT = 'sglang-bench.jsonl';

/** Where the load goes, and where its result. */
export interface BenchOptions {
  readonly params: SglangParams;
  readonly baseUrl: string;
  readonly resultFolder: string;
  /** By what the result is found in a file that others append to. */
  readonly tag: string;
}

/** The words of `python3`: `-m sglang.bench_serving` and its flags. */
export function benchWords(
  cell: Pick<Cell, 'workload' | 'configFolder' | 'cellId'>,
  options: BenchOptions,
): readonly string[] {
  const { params, baseUrl, resultFolder, tag } = options;
  const { model } = cell.workload;
  const name = params.bench_backend === 'sglang' || model.path === undefined ? undefined : model.id;
  const flags: Flags = {
    backend: params.bench_backend,
    'base-url': baseUrl,
    // Requests that name a model must name it as it is served; weights from a path are served under the model's name.
    model: name ?? modelOf(cell),
    tokenizer: name === undefined ? undefined : modelOf(cell),
    'dataset-name': params.dataset_name,
    'dataset-path': datasetFile(cell, params),
    'num-prompts': params.num_prompts,
    ...lengthFlags(params),
    'request-rate': params.request_rate,
    'max-concurrency': params.concurrency,
    'warmup-requests': params.num_warmups,
    'flush-cache': onlyTrue(params.flush_cache),
    seed: promptSeed(cell),
    tag,
    'output-file': `${resultFolder}/${BENCH_RESULT}`,
    // Without it there is a summary, and no request that a verdict could point at.
    'output-details': true,
    ...plainFlags(params.bench_args),
  };
  return ['-m', 'sglang.bench_serving', ...flagWords(flags)];
}

/** The requests that the client sends. */
export function requestCount(params: SglangParams): number {
  const { dataset_name: dataset, gsp_num_groups: groups = 64, gsp_prompts_per_group: prompts = 16 } = params;
  return dataset === 'generated-shared-prefix' ? groups * prompts : params.num_prompts;
}

const RECORDED = ['sharegpt', 'burstgpt'];

/** The file that prompts are read from, absolute; undefined where the client makes them up. */
export function datasetFile(
  { workload: { dataset }, configFolder }: Pick<Cell, 'workload' | 'configFolder' | 'cellId'>,
  { dataset_name: name }: SglangParams,
): string | undefined {
  if (!RECORDED.includes(name)) return undefined;
  if (dataset?.path !== undefined) return resolve(configFolder, dataset.path);
  throw new WorkloadFailure(
    'setup_failure',
    `dataset_name ${name} needs a file of prompts - add \`dataset:\` with its \`path:\``,
  );
}

function lengthFlags(params: SglangParams): Flags {
  const { dataset_name: dataset, isl, osl } = params;
  if (dataset === 'burstgpt' && osl !== undefined) {
    throw new WorkloadFailure('setup_failure', 'dataset_name burstgpt has output lengths of its own - remove osl');
  }
  if (dataset === 'generated-shared-prefix') {
    return {
      'gsp-num-groups': params.gsp_num_groups,
      'gsp-prompts-per-group': params.gsp_prompts_per_group,
      'gsp-system-prompt-len': params.gsp_system_prompt_len,
      'gsp-question-len': params.gsp_question_len,
      'gsp-output-len': params.gsp_output_len,
    };
  }
  if (RECORDED.includes(dataset)) return { 'sharegpt-output-len': osl };
  return {
    'random-input-len': isl,
    'random-output-len': osl,
    // Lengths lie between this share of what is asked and all of it; the client's own 0 would halve them.
    'random-range-ratio': params.random_range_ratio ?? 1,
  };
}
