import { z } from 'zod';
import { defineFramework } from '../../config/schema/framework.ts';
import { checkGpuBudget } from '../shared/gpu-budget.ts';
import { checkLengths, checkLoad, stackKnobs } from '../shared/serving-params.ts';
import { argFields, benchFields, checkSharedPrefix, portFields, routerFields, serveFields } from './fields.ts';
import { MODEL_ROLES, checkGroups, degreesOf, parallelFields } from './parallelism.ts';

/** The params of an sglang_disagg cell, axis values included. */
export const sglangDisaggParams = z
  .strictObject({
    ...parallelFields,
    ...serveFields,
    ...portFields,
    ...routerFields,
    ...benchFields,
    ...argFields,
  })
  .check(checkLoad, checkLengths, checkSharedPrefix, checkGroups);

/** Params as a run gets them. */
export type SglangParams = z.output<typeof sglangDisaggParams>;

/** What the config loader must know of sglang_disagg. */
export const sglangDisaggSpec = defineFramework({
  name: 'sglang_disagg',
  workloadKind: 'inference',
  params: sglangDisaggParams,
  knobs: z.looseObject(stackKnobs),
  roles: { required: ['prefill', 'decode'], optional: ['router', 'bench'] },
  container: 'optional',
  constraints: ({ params, topology }) =>
    MODEL_ROLES.flatMap((role) => checkGpuBudget(degreesOf(params, role), role, topology)),
  axisTokens: {
    concurrency: 'conc',
    request_rate: 'rate',
    tensor_parallelism: 'tp',
    pipeline_parallelism: 'pp',
    data_parallelism: 'dp',
    expert_parallelism: 'ep',
    prefill_tensor_parallelism: 'ptp',
    prefill_pipeline_parallelism: 'ppp',
    prefill_data_parallelism: 'pdp',
    prefill_expert_parallelism: 'pep',
    decode_tensor_parallelism: 'dtp',
    decode_pipeline_parallelism: 'dpp',
    decode_data_parallelism: 'ddp',
    decode_expert_parallelism: 'dep',
    enable_dp_attention: 'dpattn',
    mem_fraction_static: 'mem',
    chunked_prefill_size: 'chunk',
    max_running_requests: 'reqs',
    max_model_length: 'ctx',
    kv_cache_dtype: 'kv',
    page_size: 'page',
    disaggregation_transfer_backend: 'kvt',
    prefill_policy: 'ppol',
    decode_policy: 'dpol',
    num_prompts: 'prompts',
    random_range_ratio: 'range',
    dataset_name: 'data',
  },
  metrics: [
    'ttft_ms',
    'tpot_ms',
    'itl_ms',
    'e2el_ms',
    'kv_transfer_ms',
    'prefill_done_ns',
    'decode_start_ns',
    'input_tokens',
    'output_tokens',
    'throughput',
    'request_throughput',
    'total_token_throughput',
    'goodput',
    'queue_depth',
    'requests_running',
    'memory_pressure',
    'healthy',
    'routed_requests',
    'router_queue',
    'decode_kv_cache_util',
    'per_role_startup_ms',
  ],
  predicates: ['router_balance', 'error_rate', 'health'],
});
