import { WorkloadFailure } from '../../evidence/failure.ts';
import { plainLine } from '../shared/role-logs.ts';

/** How an attention knob is put into force. */
interface AttentionChoice {
  /** Megatron's `--attention-backend`. */
  readonly backend: string;
  /** What Transformer Engine reads beside it. */
  readonly env: Readonly<Record<string, string>>;
}

const CHOICES: Readonly<Record<string, AttentionChoice>> = {
  /** What Transformer Engine finds best. */
  te: { backend: 'auto', env: {} },
  fa: { backend: 'flash', env: {} },
  fused: { backend: 'fused', env: {} },
  unfused: { backend: 'unfused', env: {} },
  aiter: {
    backend: 'fused',
    env: {
      NVTE_FUSED_ATTN_CK: '1',
      NVTE_FUSED_ATTN_AOTRITON: '0',
      NVTE_CK_USES_FWD_V3: '1',
      NVTE_CK_USES_BWD_V3: '1',
    },
  },
  aotriton: { backend: 'fused', env: { NVTE_FUSED_ATTN_CK: '0', NVTE_FUSED_ATTN_AOTRITON: '1' } },
};

/**
 * What puts the knob `attention` into force; null without one.
 *
 * @throws WorkloadFailure setup_failure for a value that is none.
 */
export function attentionChoice(attention: string | undefined): AttentionChoice | null {
  if (attention === undefined) return null;
  const choice = CHOICES[attention];
  if (choice !== undefined) return choice;
  const message = `knobs.attention: ${attention} is no attention of Megatron-LM - write one of ${Object.keys(CHOICES).join(', ')}`;
  throw new WorkloadFailure('setup_failure', message);
}

const ENGINE = /Running with (FlashAttention|FusedAttention|UnfusedDotProductAttention) backend/;
const AITER = /\[aiter\] (?:import|hipModuleLoad)\b.*mha_/;

/** Kernels that a log can name. */
type Kernels = 'fa' | 'fused' | 'unfused' | 'aiter';

const ENGINE_KERNELS: Readonly<Record<string, Kernels>> = {
  FlashAttention: 'fa',
  FusedAttention: 'fused',
  UnfusedDotProductAttention: 'unfused',
};

/** Per knob the kernels that are it, and those that may be: all fused ones have the same name in Transformer Engine. */
const MEANINGS: Readonly<Record<string, { readonly is: readonly Kernels[]; readonly maybe: readonly Kernels[] }>> = {
  te: { is: ['fa', 'fused', 'unfused', 'aiter'], maybe: [] },
  fa: { is: ['fa'], maybe: [] },
  fused: { is: ['fused', 'aiter'], maybe: [] },
  unfused: { is: ['unfused'], maybe: [] },
  aiter: { is: ['aiter'], maybe: ['fused'] },
  aotriton: { is: [], maybe: ['fused'] },
};

/**
 * The attention that logs say was in force, in the words of the knob; null when they do not. AITER says that it loads its
 * kernels, Transformer Engine which of its own it runs.
 */
export function appliedAttention(asked: string, lines: readonly string[]): string | null {
  const seen = new Set(lines.map(kernelsOf).filter((kernels) => kernels !== null));
  const { is, maybe } = MEANINGS[asked] ?? { is: [], maybe: [] };
  const other = [...seen].find((kernels) => !is.includes(kernels) && !maybe.includes(kernels));
  if (other !== undefined) return other;
  return is.some((kernels) => seen.has(kernels)) ? asked : null;
}

function kernelsOf(line: string): Kernels | null {
  if (!line.includes('Running with') && !line.includes('[aiter]')) return null;
  const plain = plainLine(line);
  if (AITER.test(plain)) return 'aiter';
  return ENGINE_KERNELS[ENGINE.exec(plain)?.[1] ?? ''] ?? null;
}
