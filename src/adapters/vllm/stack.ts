import type { Cell } from '../../config/cell.ts';
import type { Scalar } from '../../config/schema/framework.ts';
import { WorkloadFailure } from '../../evidence/failure.ts';
import type { Flags } from '../shared/flag-words.ts';
import { formatOf } from '../shared/number-format.ts';
import { attentionOf } from './attention.ts';
import type { VllmParams } from './params.ts';

/** Flags of `vllm serve` and variables of its environment. */
export interface Stack {
  readonly flags: Flags;
  readonly env: Readonly<Record<string, string>>;
}

/** What the knobs of a cell ask of the server. Throws a setup_failure for what vLLM has no way to do. */
export function stackOf({ workload }: Pick<Cell, 'workload'>, params: VllmParams): Stack {
  const { knobs, model } = workload;
  const { flag, env } = attentionOf(knobs['attention']);
  const moe = fusedMoeOf(knobs['fused_moe']);
  return {
    flags: { 'attention-backend': flag, ...moe.flags, ...formatFlags(knobs['quant'], model.precision, params) },
    env: { ...env, ...moe.env },
  };
}

/** `aiter` and what begins so are kernels of AITER, chosen by variables; anything else is a value of `--moe-backend`. */
function fusedMoeOf(knob: Scalar | undefined): Stack {
  if (knob === undefined) return { flags: {}, env: {} };
  const word = String(knob);
  if (!/^aiter(_a\d+w\d+)?$/.test(word)) return { flags: { 'moe-backend': word }, env: {} };
  const env = { VLLM_ROCM_USE_AITER: '1', VLLM_ROCM_USE_AITER_MOE: '1' };
  // AMD's builds up to 0.11; later ones choose by the checkpoint, and warn of the variable.
  return { flags: {}, env: word === 'aiter_a16w4' ? { ...env, VLLM_ROCM_USE_AITER_FUSED_MOE_A16W4: '1' } : env };
}

/** A checkpoint says itself how it is quantized: a flag is needed only where the model is to run in another format. */
function formatFlags(knob: Scalar | undefined, precision: string | undefined, params: VllmParams): Flags {
  if (knob === undefined || precision === undefined) return {};
  if (params.quantization !== undefined || params.dtype !== undefined) return {};
  const [asked, stored] = [formatOf(String(knob)), formatOf(precision)];
  if (asked === stored) return {};
  const flags = CONVERSIONS[`${stored} to ${asked}`];
  if (flags !== undefined) return flags;
  throw new WorkloadFailure(
    'setup_failure',
    `knobs.quant is ${String(knob)}, but weights of ${precision} cannot be turned into that while they are loaded - ` +
      'name a model that is stored so, or set params.quantization',
  );
}

/** What vLLM does to weights while it loads them. */
const CONVERSIONS: Readonly<Record<string, Flags>> = {
  'bf16 to fp8': { quantization: 'fp8' },
  'fp16 to fp8': { quantization: 'fp8' },
  'fp32 to fp8': { quantization: 'fp8' },
  'bf16 to fp16': { dtype: 'float16' },
  'fp16 to bf16': { dtype: 'bfloat16' },
  'fp32 to bf16': { dtype: 'bfloat16' },
  'fp32 to fp16': { dtype: 'float16' },
};
