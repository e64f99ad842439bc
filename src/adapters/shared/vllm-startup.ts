import { formatOf } from './number-format.ts';
import { plainLine } from './role-logs.ts';

/** What a vLLM server said of itself while it started; null and empty where it did not. */
export interface VllmStartup {
  readonly version: string | null;
  /** Fields of the engine's configuration as they are printed: `quantization` is `quark`, or `None`. */
  readonly engine: Readonly<Record<string, string>>;
  /** The attention backends of the model's own layers, each once. */
  readonly attention: readonly string[];
  /** The kernels of mixture-of-experts and linear layers, each once. */
  readonly kernels: readonly string[];
  readonly isAsyncScheduling: boolean | null;
  /** Variables that were set and that this version does not know. */
  readonly unknownVariables: readonly string[];
  readonly kvCacheTokens: number | null;
  readonly kvCacheGib: number | null;
  readonly modelLoadSeconds: number | null;
  readonly modelGib: number | null;
  readonly engineInitSeconds: number | null;
}

/** The fields of the engine's configuration that are read. None of their values holds a comma. */
const ENGINE_FIELDS = [
  'dtype',
  'max_seq_len',
  'tensor_parallel_size',
  'pipeline_parallel_size',
  'data_parallel_size',
  'quantization',
  'enforce_eager',
  'kv_cache_dtype',
  'seed',
  'enable_prefix_caching',
  'enable_chunked_prefill',
];

interface Facts {
  version: string | null;
  readonly engine: Record<string, string>;
  readonly attention: Set<string>;
  readonly kernels: Set<string>;
  readonly unknownVariables: Set<string>;
  isAsyncScheduling: boolean | null;
  kvCacheTokens: number | null;
  kvCacheGib: number | null;
  modelLoadSeconds: number | null;
  modelGib: number | null;
  engineInitSeconds: number | null;
}

function nothingSaid(): Facts {
  return {
    version: null,
    engine: {},
    attention: new Set(),
    kernels: new Set(),
    unknownVariables: new Set(),
    isAsyncScheduling: null,
    kvCacheTokens: null,
    kvCacheGib: null,
    modelLoadSeconds: null,
    modelGib: null,
    engineInitSeconds: null,
  };
}

type Rule = readonly [pattern: RegExp, take: (facts: Facts, found: readonly string[]) => void];

const addAttention: Rule[1] = (facts, [name = '']) => facts.attention.add(name.replace('AttentionBackendEnum.', ''));
const addKernel: Rule[1] = (facts, [name = '']) => facts.kernels.add(name);

/** What the lines of vLLM 0.10 to 0.33 say. Vision encoders and MLA's prefill name backends of their own: other lines. */
const RULES: readonly Rule[] = [
  [/\bversion (\d+\.\d+[\w.+]*)$/, take('version')],
  [/\bvLLM (?:API )?server version (\d+\.\d+[\w.+]*)/, take('version')],
  [/\bInitializing a V1 LLM engine \(v(\d+\.\d+[\w.+]*)\) with config: (.*)/, takeEngine],
  [/\[(?:rocm|cuda|cpu|xpu)\.py:\d+\] Using (\S+?) (?:attention )?backend(?: out of|\.$| \(selected)/, addAttention],
  [/\[rocm\.py:\d+\] Found incompatible backend.*? with AttentionType\.DECODER\. Overriding with (\w+) /, addAttention],
  // 0.11 and before name them in prose.
  [
    /\bUsing (?:V1 )?(Flash ?Attention|FlashAttention) backend on V1 engine\b/,
    (facts) => facts.attention.add('FLASH_ATTN'),
  ],
  [/\bUsing FlashInfer backend on V1 engine\b/, (facts) => facts.attention.add('FLASHINFER')],
  [/\bUsing Triton (?:Attention )?backend on V1 engine\b/, (facts) => facts.attention.add('TRITON_ATTN')],
  [/\bUsing Triton MLA backend\b/, (facts) => facts.attention.add('TRITON_MLA')],
  [/\bUsing AITER MLA backend\b/, (facts) => facts.attention.add('ROCM_AITER_MLA')],
  [/\bUsing Aiter Unified Attention backend\b/i, (facts) => facts.attention.add('ROCM_AITER_UNIFIED_ATTN')],
  [/\bUsing Aiter Flash Attention backend\b(?! for ViT)/i, (facts) => facts.attention.add('ROCM_AITER_FA')],
  [/\bUsing Rocm Attention backend\b/i, (facts) => facts.attention.add('ROCM_ATTN')],
  [/\bUsing '?([\w-]+)'? (?:Mxfp4|NvFp4|Fp8|W4A8|Unquantized) MoE backend\b/, addKernel],
  [/\bUsing (\w+) backend for OCP_MX_Scheme\.\w+/, addKernel],
  [/\bSelected (\w+) for \w+$/, addKernel],
  [/\bAsynchronous scheduling is (enabled|disabled)\b/, (facts, [is]) => (facts.isAsyncScheduling = is === 'enabled')],
  [/\bUnknown vLLM environment variable detected: (\w+)$/, (facts, [name = '']) => facts.unknownVariables.add(name)],
  [/\bGPU KV cache size: ([\d,]+) tokens/, takeNumber('kvCacheTokens')],
  [/\bAvailable KV cache memory: ([\d.]+) GiB/, takeNumber('kvCacheGib')],
  [
    /\bModel loading took ([\d.]+) (?:GiB|GB)(?: memory)? and ([\d.]+) seconds/,
    (facts, [gib = '', seconds = '']) => {
      facts.modelGib ??= Number(gib);
      facts.modelLoadSeconds ??= Number(seconds);
    },
  ],
  [/\binit engine \(.*?\) took ([\d.]+) (?:s|seconds)\b/, takeNumber('engineInitSeconds')],
];

/** Whether a line of a server's log says something of how it was started. */
export function isVllmStartupLine(line: string): boolean {
  const plain = plainLine(line);
  return RULES.some(([pattern]) => pattern.test(plain));
}

/** Reads a server's log up to its end; a line that is cut short says nothing. */
export function readVllmStartup(lines: readonly string[]): VllmStartup {
  const facts = nothingSaid();
  for (const line of lines) {
    const plain = plainLine(line).trimEnd();
    for (const [pattern, takeFrom] of RULES) {
      const found = pattern.exec(plain);
      if (found !== null) takeFrom(facts, found.slice(1));
    }
  }
  const { attention, kernels, unknownVariables } = facts;
  return { ...facts, attention: [...attention], kernels: [...kernels], unknownVariables: [...unknownVariables] };
}

function take(field: 'version'): Rule[1] {
  return (facts, [text = null]) => (facts[field] ??= text);
}

type NumberField = 'kvCacheTokens' | 'kvCacheGib' | 'engineInitSeconds';

function takeNumber(field: NumberField): Rule[1] {
  return (facts, [text = '']) => (facts[field] ??= Number(text.replaceAll(',', '')));
}

function takeEngine(facts: Facts, [version = '', config = '']: readonly string[]): void {
  facts.version ??= version;
  for (const field of ENGINE_FIELDS) {
    // Without the comma behind it the value may be cut short.
    const [, value] = new RegExp(`(?:^|, )${field}=([^,\\s]+),`).exec(config) ?? [];
    if (value !== undefined) facts.engine[field] ??= value;
  }
}

/** The number format of the weights, null where the log does not say it; a method of several says by its kernels which. */
export function vllmFormat({ engine, kernels }: VllmStartup): string | null {
  const { quantization: method, dtype } = engine;
  if (method === undefined) return null;
  if (method === 'None') return formatOf(dtype ?? '');
  return formatOf(method) ?? (method === 'modelopt' ? 'fp8' : narrowest(kernels));
}

function narrowest(kernels: readonly string[]): string | null {
  const formats = new Set(kernels.map(formatOf));
  return ['fp4', 'int4', 'fp8', 'int8'].find((format) => formats.has(format)) ?? null;
}
