import type { Scalar } from '../../config/schema/framework.ts';
import { WorkloadFailure } from '../../evidence/failure.ts';

/** What a choice of the attention backend comes to. */
export interface Attention {
  /** The value of `--attention-backend`; undefined lets vLLM choose. */
  readonly flag?: string;
  readonly env: Readonly<Record<string, string>>;
  /** Whether a backend, by the name that the log gives it, is what was meant. */
  readonly isMeant: (backend: string) => boolean;
}

const AITER = { VLLM_ROCM_USE_AITER: '1' };
// The first name is of AMD's builds around 0.10; a version warns of the variables that it does not know.
const UNIFIED = {
  VLLM_USE_AITER_UNIFIED_ATTENTION: '1',
  VLLM_ROCM_USE_AITER_UNIFIED_ATTENTION: '1',
  VLLM_ROCM_USE_AITER_MHA: '0',
};

/** By variables alone: which of AITER's backends fits is up to the model, and old versions have no flag. */
const aiter: Attention = { env: { ...AITER, ...UNIFIED }, isMeant: (backend) => backend.includes('AITER') };

/** The words of `knobs.attention`; a backend's own name in capitals, such as `ROCM_AITER_FA`, is one as well. */
const WORDS: Readonly<Record<string, Attention>> = {
  auto: { env: {}, isMeant: () => true },
  aiter,
  aiter_unified: { ...exactly('ROCM_AITER_UNIFIED_ATTN'), env: AITER },
  aiter_fa: { ...exactly('ROCM_AITER_FA'), env: AITER },
  aiter_mla: { ...exactly('ROCM_AITER_MLA'), env: AITER },
  fa: exactly('FLASH_ATTN'),
  flashinfer: exactly('FLASHINFER'),
  rocm: exactly('ROCM_ATTN'),
  triton: exactly('TRITON_ATTN'),
};

/** Reads `knobs.attention`. Throws a setup_failure for a word that stands for no backend of vLLM. */
export function attentionOf(knob: Scalar | undefined): Attention {
  if (knob === undefined) return { env: {}, isMeant: () => true };
  const word = String(knob);
  const known = WORDS[word];
  if (known !== undefined) return known;
  if (/^[A-Z][A-Z0-9_]+$/.test(word)) return exactly(word);
  throw new WorkloadFailure(
    'setup_failure',
    `knobs.attention is ${word}, no attention backend of vLLM - ` +
      `write one of ${Object.keys(WORDS).join(', ')}, or a backend's own name such as ROCM_AITER_FA`,
  );
}

function exactly(name: string): Attention {
  return { flag: name, env: {}, isMeant: (backend) => backend === name };
}
