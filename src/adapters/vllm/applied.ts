import type { ParseContext, WorkloadResult } from '../../lifecycle/adapter.ts';
import { onlyAsked } from '../shared/applied.ts';
import { inWordsOf } from '../shared/number-format.ts';
import { vllmFormat } from '../shared/vllm-startup.ts';
import type { VllmStartup } from '../shared/vllm-startup.ts';
import { attentionOf } from './attention.ts';
import { vllmParams } from './params.ts';
import type { VllmParams } from './params.ts';

type Applied = WorkloadResult['applied'];
type Scalar = Applied[string]['asked'];

/** What was asked of the server, by knobs and params, beside what its log says is in force. */
export function appliedOf(
  { params, knobs }: Pick<ParseContext['run'], 'params' | 'knobs'>,
  facts: VllmStartup,
): Applied {
  return { ...appliedParams(vllmParams.parse(params), facts), ...appliedKnobs(knobs, facts) };
}

function appliedParams(params: VllmParams, facts: VllmStartup): Applied {
  const { engine } = facts;
  const asNumber = (field: string): number | null => (engine[field] === undefined ? null : Number(engine[field]));
  const asFlag = (field: string): boolean | null => (engine[field] === undefined ? null : engine[field] === 'True');
  return onlyAsked({
    tensor_parallelism: [params.tensor_parallelism, asNumber('tensor_parallel_size')],
    pipeline_parallelism: [params.pipeline_parallelism, asNumber('pipeline_parallel_size')],
    data_parallelism: [params.data_parallelism, asNumber('data_parallel_size')],
    max_model_length: [params.max_model_length, asNumber('max_seq_len')],
    kv_cache_dtype: [params.kv_cache_dtype, engine['kv_cache_dtype'] ?? null],
    quantization: [params.quantization, engine['quantization'] ?? null],
    enforce_eager: [params.enforce_eager, asFlag('enforce_eager')],
    enable_prefix_caching: [params.enable_prefix_caching, asFlag('enable_prefix_caching')],
    enable_chunked_prefill: [params.enable_chunked_prefill, asFlag('enable_chunked_prefill')],
    async_scheduling: [params.async_scheduling, facts.isAsyncScheduling],
  });
}

function appliedKnobs(knobs: ParseContext['run']['knobs'], facts: VllmStartup): Applied {
  const { attention, quant, fused_moe: moe } = knobs;
  const asksAiter = [attention, moe].some((knob) => String(knob).startsWith('aiter'));
  return onlyAsked({
    attention: [attention, attention === undefined ? null : attentionInForce(attention, facts)],
    quant: [quant, quant === undefined ? null : inWordsOf(quant, vllmFormat(facts))],
    fused_moe: [moe, moe === undefined ? null : moeInForce(moe, facts)],
    aiter: [asksAiter ? true : undefined, aiterInForce(facts)],
  });
}

/** The knob's own word where every layer has a backend that it stands for, else the names of the backends. */
function attentionInForce(knob: Scalar, { attention }: VllmStartup): Scalar | null {
  if (attention.length === 0) return null;
  return attention.every(attentionOf(knob).isMeant) ? knob : attention.join('+');
}

const MOE_KERNELS: Readonly<Record<string, string>> = {
  AITER_MXFP4_BF16: 'aiter_a16w4',
  AITER_TRITON_MXFP4_BF16: 'aiter_a16w4',
  AITER_MXFP4_FP8: 'aiter_a8w4',
  AITER_MXFP4_MXFP4: 'aiter_a4w4',
  AITER_TRITON_MXFP4_MXFP4: 'aiter_a4w4',
};

/** The kernel of the experts in the knob's own words; one that the log names only as a linear layer's does not count. */
function moeInForce(knob: Scalar, { kernels }: VllmStartup): Scalar | null {
  const names = kernels.filter((kernel) => !kernel.endsWith('Kernel'));
  const [name] = names;
  if (name === undefined) return null;
  const isAiter = name.startsWith('AITER');
  if (knob === 'aiter' && isAiter) return knob;
  return MOE_KERNELS[name] ?? name.toLowerCase();
}

/** Whether any part of the model runs on kernels of AITER. */
function aiterInForce({ attention, kernels }: VllmStartup): boolean | null {
  const names = [...attention, ...kernels];
  return names.length === 0 ? null : names.some((name) => /aiter/i.test(name));
}
