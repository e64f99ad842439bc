import type { WorkloadResult } from '../../lifecycle/adapter.ts';
import { appliedAttention } from './attention.ts';
import type { MegatronParams } from './options.ts';

type Applied = WorkloadResult['applied'];

/** What a run was asked for, and what its logs say. */
export interface AppliedRequest {
  readonly params: MegatronParams;
  /** The knob; undefined without one. */
  readonly attention: string | undefined;
  /** What Megatron printed of its arguments. */
  readonly args: ReadonlyMap<string, string>;
  readonly lines: readonly string[];
}

/** What was asked of Megatron, and what it says is in force. */
export function appliedBy({ params, attention, args, lines }: AppliedRequest): Applied {
  const { tp, pp, dp, fsdp, cp, ep } = params;
  const data = dataRanks(args);
  const batch = params.global_batch_size ?? (params.micro_batch_size * dp * fsdp) / cp;
  return {
    tp: { asked: tp, applied: numberOf(args, 'tensor_model_parallel_size') },
    pp: { asked: pp, applied: numberOf(args, 'pipeline_model_parallel_size') },
    dp: { asked: dp, applied: data?.dp ?? null },
    fsdp: { asked: fsdp, applied: data?.fsdp ?? null },
    cp: { asked: cp, applied: numberOf(args, 'context_parallel_size') },
    ep: { asked: ep, applied: numberOf(args, 'expert_model_parallel_size') },
    precision: { asked: params.precision, applied: precisionOf(args) },
    micro_batch_size: { asked: params.micro_batch_size, applied: numberOf(args, 'micro_batch_size') },
    global_batch_size: { asked: batch, applied: numberOf(args, 'global_batch_size') },
    sequence_length: { asked: params.sequence_length, applied: numberOf(args, 'seq_length') },
    ...(attention === undefined
      ? {}
      : { attention: { asked: attention, applied: appliedAttention(attention, lines) } }),
  };
}

function numberOf(args: AppliedRequest['args'], name: string): number | null {
  const text = args.get(name);
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : null;
}

/** The data-parallel ranks by what they share: Megatron counts them together, those of a context as one. */
function dataRanks(args: AppliedRequest['args']): { readonly dp: number; readonly fsdp: number } | null {
  const size = numberOf(args, 'data_parallel_size');
  const context = numberOf(args, 'context_parallel_size');
  if (size === null || context === null) return null;
  const all = size * context;
  if (args.get('use_torch_fsdp2') === 'True') return { dp: 1, fsdp: all };
  if (args.get('use_megatron_fsdp') !== 'True') return { dp: all, fsdp: 1 };
  const copies = numberOf(args, 'num_distributed_optimizer_instances') ?? 1;
  return { dp: copies, fsdp: all / copies };
}

function precisionOf(args: AppliedRequest['args']): string | null {
  const fp8 = args.get('fp8');
  if (fp8 !== undefined && fp8 !== 'None') return 'TE_FP8';
  if (args.get('fp16') === 'True') return 'TE_FP16';
  return args.get('bf16') === 'True' ? 'TE_BF16' : null;
}
