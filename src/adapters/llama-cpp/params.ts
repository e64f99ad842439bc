import { z } from 'zod';
import { defineFramework } from '../../config/schema/framework.ts';
import { refuse } from '../shared/serving-params.ts';

interface Arrivals {
  readonly concurrency?: number;
  readonly request_rate?: number;
}

function checkArrivals(payload: z.core.ParsePayload<Arrivals>): void {
  const { concurrency, request_rate } = payload.value;
  if ((concurrency === undefined) !== (request_rate === undefined)) return;
  const field = concurrency === undefined ? 'concurrency' : 'request_rate';
  refuse(payload, field, 'set either concurrency (closed loop) or request_rate (open loop)');
}

interface Lengths {
  readonly isl: number;
  readonly osl: number;
  readonly max_model_length: number;
}

function checkContext(payload: z.core.ParsePayload<Lengths>): void {
  const { isl, osl, max_model_length } = payload.value;
  if (isl + osl <= max_model_length) return;
  refuse(payload, 'max_model_length', `isl + osl must fit into max_model_length: set at least ${isl + osl}`);
}

/** The params of a llama_cpp cell, axis values included. */
export const llamaCppParams = z
  .strictObject({
    concurrency: z
      .int()
      .min(1)
      .exactOptional()
      .describe('Closed loop: this many users, each sending its next request when its last one has ended.'),
    request_rate: z
      .number()
      .positive()
      .exactOptional()
      .describe('Open loop: requests per second on a schedule of their own.'),
    burstiness: z
      .number()
      .positive()
      .default(1)
      .describe('Shape of the gamma-distributed gaps of an open loop: 1 is Poisson, less is burstier.'),
    isl: z.int().min(1).describe('Prompt length, tokens.'),
    osl: z.int().min(1).describe('Output length, tokens.'),
    num_prompts: z.int().min(1).describe('Measured requests.'),
    num_warmups: z.int().min(0).default(4).describe('Requests before the measured ones; they appear in no figure.'),
    max_model_length: z.int().min(2).describe('Context per slot, tokens: prompt and output together.'),
    parallel_slots: z.int().min(1).default(4).describe('Requests that the server works on at the same time.'),
    threads: z.int().min(1).default(1).describe('Threads of llama.cpp; more than one pays only on idle cores.'),
    endpoint: z
      .enum(['completions', 'chat'])
      .default('completions')
      .describe('Which endpoint is asked: completions or chat completions.'),
    port: z.int().min(0).max(65_535).default(0).describe('Port of the server; 0 lets the system choose.'),
    request_timeout_s: z.number().positive().default(60).describe('Seconds until a request counts as failed.'),
  })
  .check(checkArrivals, checkContext);

/** The params of a llama_cpp cell, validated. */
export type LlamaCppParams = z.output<typeof llamaCppParams>;

/** The knobs this adapter reads. */
const knobs = z.looseObject({
  backend: z
    .enum(['node-llama-cpp', 'llama-server'])
    .default('node-llama-cpp')
    .describe(
      'Which server runs: ours around node-llama-cpp, or a `llama-server` from the PATH. The latter scores no prompts: leave `perplexity` out of its benchmarks.',
    ),
});

/** What the config loader must know of llama_cpp. */
export const llamaCppSpec = defineFramework({
  name: 'llama_cpp',
  workloadKind: 'inference',
  params: llamaCppParams,
  knobs,
  roles: { required: ['server'], optional: [] },
  container: 'optional',
  axisTokens: { concurrency: 'conc', request_rate: 'rate', parallel_slots: 'slots' },
  metrics: [
    'ttft_ms',
    'tpot_ms',
    'itl_ms',
    'e2el_ms',
    'lateness_ms',
    'input_tokens',
    'output_tokens',
    'throughput',
    'request_throughput',
    'total_token_throughput',
    'goodput',
    'perplexity',
    'nll',
    'queue_depth',
  ],
  predicates: [],
});
