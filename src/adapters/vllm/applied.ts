import type { ParseContext, WorkloadResult } from '../../lifecycle/adapter.ts';
import { attentionOf } from './attention.ts';
import { formatOf } from './number-format.ts';
import { vllmParams } from './params.ts';
import type { VllmParams } from './params.ts';
import type { StartupFacts } from './startup-log.ts';

type Applied = WorkloadResult['applied'];
type Scalar = Applied[string]['asked'];

/** What was asked of the server, by knobs and params, beside what its log says is in force. */
export function appliedOf(
  { params, knobs }: Pick<ParseContext['run'], 'params' | 'knobs'>,
  facts: StartupFacts,
): Applied {
  return { ...appliedParams(vllmParams.parse(params), facts), ...appliedKnobs(knobs, facts) };
}

function appliedParams(params: VllmParams, facts: StartupFacts): Applied {
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

function appliedKnobs(knobs: ParseContext['run']['knobs'], facts: StartupFacts): Applied {
  const { attention, quant, fused_moe: moe } = knobs;
  const asksAiter = [attention, moe].some((knob) => String(knob).startsWith('aiter'));
  return onlyAsked({
    attention: [attention, attention === undefined ? null : attentionInForce(attention, facts)],
    quant: [quant, quant === undefined ? null : quantInForce(quant, facts)],
    fused_moe: [moe, moe === undefined ? null : moeInForce(moe, facts)],
    aiter: [asksAiter ? true : undefined, aiterInForce(facts)],
  });
}

/** The knob's own word where every layer has a backend that it stands for, else the names of the backends. */
function attentionInForce(knob: Scalar, { attention }: StartupFacts): Scalar | null {
  if (attention.length === 0) return null;
  return attention.every(attentionOf(knob).isMeant) ? knob : attention.join('+');
}

/** A method that holds several formats says by its kernels which it is. */
function quantInForce(knob: Scalar, { engine, kernels }: StartupFacts): Scalar | null {
  const { quantization: method, dtype } = engine;
  if (method === undefined) return null;
  const format =
    method === 'None'
      ? formatOf(dtype ?? '')
      : (formatOf(method) ?? (method === 'modelopt' ? 'fp8' : narrowest(kernels)));
  return format !== null && format === formatOf(String(knob)) ? knob : format;
}

function narrowest(kernels: readonly string[]): string | null {
  const formats = new Set(kernels.map(formatOf));
  return ['fp4', 'int4', 'fp8', 'int8'].find((format) => formats.has(format)) ?? null;
}

const MOE_KERNELS: Readonly<Record<string, string>> = {
  AITER_MXFP4_BF16: 'aiter_a16w4',
  AITER_TRITON_MXFP4_BF16: 'aiter_a16w4',
  AITER_MXFP4_FP8: 'aiter_a8w4',
  AITER_MXFP4_MXFP4: 'aiter_a4w4',
  AITER_TRITON_MXFP4_MXFP4: 'aiter_a4w4',
};

/** The kernel of the experts in the knob's own words; one that the log names only as a linear layer's does not count. */
function moeInForce(knob: Scalar, { kernels }: StartupFacts): Scalar | null {
  const names = kernels.filter((kernel) => !kernel.endsWith('Kernel'));
  const [name] = names;
  if (name === undefined) return null;
  const isAiter = name.startsWith('AITER');
  if (knob === 'aiter' && isAiter) return knob;
  return MOE_KERNELS[name] ?? name.toLowerCase();
}

/** Whether any part of the model runs on kernels of AITER. */
function aiterInForce({ attention, kernels }: StartupFacts): boolean | null {
  const names = [...attention, ...kernels];
  return names.length === 0 ? null : names.some((name) => /aiter/i.test(name));
}

function onlyAsked(
  all: Readonly<Record<string, readonly [asked: Scalar | undefined, applied: Scalar | null]>>,
): Applied {
  return Object.fromEntries(
    Object.entries(all).flatMap(([name, [asked, applied]]) =>
      asked === undefined ? [] : [[name, { asked, applied }] as const],
    ),
  );
}
