import { z } from 'zod';

/** How requests are offered to a server. */
export const loadFields = {
  concurrency: z
    .int()
    .min(1)
    .exactOptional()
    .describe(
      'Closed loop: at most this many requests in flight; with a finite `request_rate`, a cap on the open loop.',
    ),
  request_rate: z
    .union([
      z.number('requests per second, e.g. 8').positive('requests per second, above 0'),
      z.literal('inf', 'write inf'),
    ])
    .exactOptional()
    .describe(
      'Open loop: requests per second on a schedule of their own; `inf` sends as fast as `concurrency` lets it.',
    ),
  num_prompts: z.int().min(1).default(1000).describe('Measured requests.'),
  num_warmups: z
    .int()
    .min(0)
    .exactOptional()
    .describe(
      'Requests before the measured ones; they appear in no figure. Absent: as many as the load client sends itself.',
    ),
};

/** How long the requests are, in tokens. */
export const lengthFields = {
  isl: z
    .int()
    .min(1)
    .exactOptional()
    .describe('Prompt length, tokens; only for datasets that are generated to a length.'),
  osl: z.int().min(1).exactOptional().describe('Output length, tokens; absent, a recorded dataset keeps its own.'),
  random_range_ratio: z
    .number()
    .min(0)
    .max(1)
    .exactOptional()
    .describe('How much generated lengths vary, 0 to 1; what a value means depends on the version of the load client.'),
  max_model_length: z
    .int()
    .min(2)
    .exactOptional()
    .describe("Context of the server, tokens: prompt and output together. Absent: the model's own."),
};

/** What the load clients of the vllm family also take. */
export const vllmClientFields = {
  burstiness: z
    .number()
    .positive()
    .default(1)
    .describe('Shape of the gamma-distributed gaps of an open loop: 1 is Poisson, less is burstier.'),
  random_prefix_len: z
    .int()
    .min(0)
    .exactOptional()
    .describe('Tokens at the start of every generated prompt that all prompts share.'),
  percentile_metrics: z
    .array(z.enum(['ttft', 'tpot', 'itl', 'e2el']))
    .default(['ttft', 'tpot', 'itl', 'e2el'])
    .describe("Latencies that the client's own summary has percentiles of."),
  metric_percentiles: z
    .array(z.number().min(0).max(100))
    .default([50, 90, 95, 99])
    .describe("Percentiles of the client's own summary."),
};

/** How an engine loads its model. Sets that grow with every release are left open. */
export const modelFields = {
  dtype: z
    .enum(['auto', 'half', 'float16', 'bfloat16', 'float', 'float32'])
    .exactOptional()
    .describe("Number format of weights and activations. Absent: the model's own."),
  kv_cache_dtype: z.string().min(1).exactOptional().describe('Number format of the KV cache, e.g. `fp8_e4m3`.'),
  quantization: z
    .string()
    .min(1)
    .exactOptional()
    .describe('Method that the engine quantizes with, e.g. `fp8`. Absent: what the checkpoint says.'),
  load_format: z
    .string()
    .min(1)
    .exactOptional()
    .describe('How weights are read, e.g. `safetensors`; `dummy` invents them.'),
  trust_remote_code: z.boolean().exactOptional().describe('Runs code that the model brings along.'),
  tokenizer_mode: z
    .string()
    .min(1)
    .default('auto')
    .describe('Which tokenizer implementation runs, e.g. `slow` or `mistral`.'),
};

/** A TCP port of a role. */
export const portSchema: z.ZodInt = z.int().min(1).max(65_535);

/** Knobs of an engine's software stack; each set is open, because every release adds to it. */
export const stackKnobs = {
  attention: z.string().exactOptional().describe('Attention backend: `aiter`, `fa`, `triton`, `te`, ...'),
  quant: z.string().exactOptional().describe('Number format of the model as a whole: `fp4`, `fp8`, `bf16`, ...'),
  backend: z
    .string()
    .exactOptional()
    .describe('Variant of the engine: `vllm-native`, `sglang-native`, `mooncake`, ...'),
  fused_moe: z.string().exactOptional().describe('Kernel of the mixture-of-experts layers, e.g. `aiter_a16w4`.'),
};

interface Load {
  readonly concurrency?: number;
  readonly request_rate?: number | 'inf';
}

/** Refuses params that leave open how requests arrive. */
export function checkLoad(payload: z.core.ParsePayload<Load>): void {
  const { concurrency, request_rate } = payload.value;
  if (concurrency !== undefined || request_rate !== undefined) return;
  refuse(
    payload,
    'concurrency',
    'set concurrency (closed loop), request_rate (open loop), or both (open loop, capped)',
  );
}

interface Lengths {
  readonly dataset_name: string;
  readonly isl?: number;
  readonly osl?: number;
  readonly max_model_length?: number;
}

const GENERATED = ['random', 'random-ids', 'sonnet'];

/** Refuses lengths that the dataset lacks or would ignore, and those that the context cannot hold. */
export function checkLengths(payload: z.core.ParsePayload<Lengths>): void {
  const { dataset_name, isl, osl, max_model_length } = payload.value;
  if (!GENERATED.includes(dataset_name)) {
    if (isl !== undefined)
      refuse(payload, 'isl', `remove it: the prompts of ${dataset_name} have lengths of their own`);
    return;
  }
  if (isl === undefined) refuse(payload, 'isl', `set isl, the prompt length of dataset ${dataset_name}`);
  if (osl === undefined) refuse(payload, 'osl', `set osl, the output length of dataset ${dataset_name}`);
  if (isl === undefined || osl === undefined || max_model_length === undefined) return;
  if (isl + osl > max_model_length) {
    refuse(payload, 'max_model_length', `isl + osl must fit into max_model_length: set at least ${isl + osl}`);
  }
}

/** Adds a problem with one field to those that a schema reports; `message` says what to write. */
export function refuse(payload: z.core.ParsePayload<object>, field: string, message: string): void {
  payload.issues.push({ code: 'custom', path: [field], message, input: payload.value });
}
