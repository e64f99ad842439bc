import type { Cell } from '../../config/cell.ts';
import type { Scalar } from '../../config/schema/framework.ts';
import { WorkloadFailure } from '../../evidence/failure.ts';
import type { Flags } from '../shared/flag-words.ts';
import { formatOf } from '../shared/number-format.ts';
import type { SglangParams } from './params.ts';

/** Flags of `sglang.launch_server` and variables of its environment. */
export interface Stack {
  readonly flags: Flags;
  readonly env: Readonly<Record<string, string>>;
}

const AITER = { SGLANG_USE_AITER: '1' };

/** What the knobs of a cell ask of its servers. Throws a setup_failure for what SGLang has no way to do. */
export function stackOf({ workload }: Pick<Cell, 'workload'>, params: SglangParams): Stack {
  const { knobs, model } = workload;
  checkBackend(knobs['backend'], params);
  const attention = attentionFlag(knobs['attention']);
  const moe = knobs['fused_moe'] === undefined ? null : String(knobs['fused_moe']);
  const isAiterMoe = moe?.startsWith('aiter') === true;
  return {
    flags: {
      'attention-backend': attention,
      'moe-runner-backend': moe === null || isAiterMoe ? undefined : moe,
      quantization: params.quantization ?? quantizationFor(knobs['quant'], model.precision, params),
    },
    env: attention === 'aiter' || isAiterMoe ? AITER : {},
  };
}

/** Words for a backend that SGLang calls otherwise; any other word is its own name. */
const ATTENTION: Readonly<Record<string, string | undefined>> = { auto: undefined, fa: 'fa3' };
/** Words of other engines. */
const FOREIGN = ['te', 'rocm', 'aiter_fa', 'aiter_mla', 'aiter_unified'];

/** The value of `--attention-backend` that a knob stands for; undefined lets SGLang choose. */
export function attentionFlag(knob: Scalar | undefined): string | undefined {
  if (knob === undefined) return undefined;
  const word = String(knob);
  if (!FOREIGN.includes(word) && /^[a-z][a-z0-9_]*$/.test(word)) {
    return Object.hasOwn(ATTENTION, word) ? ATTENTION[word] : word;
  }
  throw new WorkloadFailure(
    'setup_failure',
    `knobs.attention is ${word}, no attention backend of SGLang - write one of aiter, fa, flashinfer, triton, auto, ` +
      'or another value of --attention-backend',
  );
}

const TRANSFERS = ['mooncake', 'nixl', 'mori', 'ascend', 'fake'];

/** `knobs.backend` names the engine's variant: its own, or what carries the KV cache, which a param sets. */
function checkBackend(knob: Scalar | undefined, { disaggregation_transfer_backend: transfer }: SglangParams): void {
  if (knob === undefined) return;
  const word = String(knob);
  if (/^sglang(?:[-_]native)?$/.test(word) || transfer === word || transfer.startsWith(`${word}_`)) return;
  const isTransfer = TRANSFERS.includes(word);
  throw new WorkloadFailure(
    'setup_failure',
    isTransfer
      ? `knobs.backend is ${word}, params.disaggregation_transfer_backend is ${transfer} - write the same in both`
      : `knobs.backend is ${word}, no variant of SGLang - write sglang-native or one of ${TRANSFERS.join(', ')}`,
  );
}

/** A checkpoint says itself how it is quantized: a flag is needed only where it is to run in another format. */
function quantizationFor(
  knob: Scalar | undefined,
  precision: string | undefined,
  params: SglangParams,
): string | undefined {
  if (knob === undefined || precision === undefined || params.dtype !== undefined) return undefined;
  const [asked, stored] = [String(knob), precision].map((word) => formatOf(word) ?? word);
  if (asked === stored) return undefined;
  if (asked === 'fp8' && (stored === 'bf16' || stored === 'fp16')) return 'fp8';
  throw new WorkloadFailure(
    'setup_failure',
    `knobs.quant is ${String(knob)}, but weights of ${precision} are not turned into that while they are loaded - ` +
      'name a model that is stored so, or set params.quantization',
  );
}
