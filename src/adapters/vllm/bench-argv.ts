import { resolve } from 'node:path';
import type { Cell } from '../../config/cell.ts';
import { WorkloadFailure } from '../../evidence/failure.ts';
import { flagWords } from '../shared/flag-words.ts';
import type { Flags } from '../shared/flag-words.ts';
import { promptSeed } from '../shared/prompt-seed.ts';
import type { VllmParams } from './params.ts';
import { plainNames, tokenizerMode } from './serve-argv.ts';

/** The file that the load client saves, in its folder and among the attachments. */
export const BENCH_RESULT = 'vllm-bench.json';

/** Where the load goes, and where its result. */
export interface BenchOptions {
  readonly params: VllmParams;
  readonly baseUrl: string;
  /** What the tokenizer is loaded from. */
  readonly model: string;
  /** The name that requests use where it is not that of the model. */
  readonly servedAs: string | undefined;
  readonly resultFolder: string;
}

/** The words of `vllm bench serve`. */
export function benchWords(
  cell: Pick<Cell, 'workload' | 'thresholds' | 'configFolder' | 'cellId'>,
  options: BenchOptions,
): readonly string[] {
  const { params, baseUrl, model, servedAs, resultFolder } = options;
  const isChat = params.bench_backend === 'openai-chat';
  const words = flagWords({
    backend: params.bench_backend,
    'base-url': baseUrl,
    endpoint: isChat ? '/v1/chat/completions' : undefined,
    model,
    'served-model-name': servedAs,
    'tokenizer-mode': tokenizerMode(params),
    'trust-remote-code': onlyTrue(params.trust_remote_code),
    seed: promptSeed(cell),
    'dataset-name': params.dataset_name,
    'dataset-path': datasetPath(cell, params),
    ...lengthFlags(params),
    'num-prompts': params.num_prompts,
    'num-warmups': params.num_warmups,
    'max-concurrency': params.concurrency,
    'request-rate': params.request_rate ?? 'inf',
    burstiness: params.burstiness,
    temperature: params.temperature,
    'ignore-eos': onlyTrue(ignoresEos(params)),
    'percentile-metrics': params.percentile_metrics.join(','),
    'metric-percentiles': params.metric_percentiles.join(','),
    'save-result': true,
    // Without it there is a summary, and no request that a verdict could point at.
    'save-detailed': true,
    'result-dir': resultFolder,
    'result-filename': BENCH_RESULT,
    ...plainNames(params.bench_args),
  });
  return ['bench', 'serve', ...words, ...goodputWords(cell)];
}

/** Whether requests run on to their length. Made-up prompts have no end that a model could see. */
export function ignoresEos({ ignore_eos: asked, dataset_name: dataset }: VllmParams): boolean {
  return asked ?? dataset === 'random';
}

/** The file that prompts are read from, absolute; undefined where the client makes them up, or fetches them. */
export function datasetFile({ workload, configFolder }: Pick<Cell, 'workload' | 'configFolder'>): string | undefined {
  const path = workload.dataset?.path;
  return path === undefined ? undefined : resolve(configFolder, path);
}

const MADE_UP = ['random', 'prefix_repetition'];

function datasetPath(cell: Pick<Cell, 'workload' | 'configFolder'>, params: VllmParams): string | undefined {
  if (MADE_UP.includes(params.dataset_name)) return undefined;
  const path = params.dataset_name === 'hf' ? cell.workload.dataset?.path : datasetFile(cell);
  if (path !== undefined) return path;
  const what = params.dataset_name === 'hf' ? 'a repository on the hub' : 'a file of prompts';
  throw new WorkloadFailure(
    'setup_failure',
    `dataset_name ${params.dataset_name} needs ${what} - add \`dataset:\` with its \`path:\``,
  );
}

/** How long prompts and answers are, by the flags of each dataset. */
function lengthFlags(params: VllmParams): Flags {
  const { dataset_name: dataset, isl, osl } = params;
  const name = dataset.replaceAll('_', '-');
  if (dataset === 'burstgpt' && osl !== undefined) {
    throw new WorkloadFailure('setup_failure', 'dataset_name burstgpt has output lengths of its own - remove osl');
  }
  return {
    [`${name}-input-len`]: isl,
    [`${name}-output-len`]: osl,
    'random-range-ratio': params.random_range_ratio,
    'random-prefix-len': params.random_prefix_len,
  };
}

/** The bounds of the cell's first goodput threshold: the client then counts by them, too. */
function goodputWords({ thresholds }: Pick<Cell, 'thresholds'>): readonly string[] {
  const goodput = thresholds.map(({ threshold }) => threshold).find(({ kind }) => kind === 'Goodput');
  if (goodput?.kind !== 'Goodput') return [];
  const { ttft_max_ms: ttft, tpot_max_ms: tpot, e2el_max_ms: e2el, metric_pair: pair } = goodput;
  if (pair.ttft !== 'ttft_ms' || pair.tpot !== 'tpot_ms') return [];
  const bounds = Object.entries({ ttft, tpot, e2el }).filter(([, bound]) => bound !== undefined);
  return ['--goodput', ...bounds.map(([name, bound]) => `${name}:${bound}`)];
}

function onlyTrue(value: boolean | undefined): true | undefined {
  return value === true ? true : undefined;
}
