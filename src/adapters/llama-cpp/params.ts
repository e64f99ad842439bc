import { z } from 'zod';
import { defineFramework } from '../../config/framework.ts';

/** The params of a llama_cpp cell, axis values included. */
export const llamaCppParams = z
  .strictObject({
    /** Closed loop: this many users, each sending its next request when its last one has ended. */
    concurrency: z.int().min(1).exactOptional(),
    /** Open loop: requests per second on a schedule of their own. */
    request_rate: z.number().positive().exactOptional(),
    /** Shape of the gamma-distributed gaps of an open loop: 1 is Poisson, less is burstier. */
    burstiness: z.number().positive().default(1),
    /** Prompt length, tokens. */
    isl: z.int().min(1),
    /** Output length, tokens. */
    osl: z.int().min(1),
    /** Measured requests. */
    num_prompts: z.int().min(1),
    /** Requests before the measured ones; they appear in no figure. */
    num_warmups: z.int().min(0).default(4),
    /** Context per slot, tokens: prompt and output together. */
    max_model_length: z.int().min(2),
    /** Requests that the server works on at the same time. */
    parallel_slots: z.int().min(1).default(4),
    /** Threads of llama.cpp; more than one pays only on idle cores. */
    threads: z.int().min(1).default(1),
    endpoint: z.enum(['completions', 'chat']).default('completions'),
    /** 0 lets the system choose. */
    port: z.int().min(0).max(65_535).default(0),
    /** Seconds until a request counts as failed. */
    request_timeout_s: z.number().positive().default(60),
  })
  .refine((params) => (params.concurrency === undefined) !== (params.request_rate === undefined), {
    path: ['concurrency'],
    error: 'set either concurrency (closed loop) or request_rate (open loop)',
  })
  .refine((params) => params.isl + params.osl <= params.max_model_length, {
    path: ['max_model_length'],
    error: 'isl + osl must fit into max_model_length',
  });

/** The params of a llama_cpp cell, validated. */
export type LlamaCppParams = z.output<typeof llamaCppParams>;

/** The knobs this adapter reads. */
const knobs = z.looseObject({
  /**
   * Which server runs: ours around node-llama-cpp, or a `llama-server` from the PATH. The latter scores no
   * prompts: leave `perplexity` out of its benchmarks.
   */
  backend: z.enum(['node-llama-cpp', 'llama-server']).default('node-llama-cpp'),
});

/** What the config loader must know of llama_cpp. */
export const llamaCppSpec = defineFramework({
  name: 'llama_cpp',
  workloadKind: 'inference',
  params: llamaCppParams,
  knobs,
  roles: { required: ['server'], optional: [] },
  container: 'none',
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
