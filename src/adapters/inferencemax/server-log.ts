import { plainLine } from '../shared/role-logs.ts';
import { isSglangStartupLine, readSglangStartup, sglangFormat } from '../shared/sglang-startup.ts';
import type { StartupKeep } from '../shared/startup-keep.ts';
import { isVllmStartupLine, readVllmStartup, vllmFormat } from '../shared/vllm-startup.ts';

/** What a serving engine says of itself in its log; null for what it does not say. */
export interface ServerFacts {
  readonly versions: Readonly<Record<string, string>>;
  readonly attention: string | null;
  readonly tensorParallelism: number | null;
  /** Context, tokens. */
  readonly maxModelLength: number | null;
  /** Number format of the weights, such as `fp4`. */
  readonly format: string | null;
}

const VLLM_VERSION = /(?:LLM engine \(v|API server version |[█▀▄ ] version )(\d+\.\d+[^\s,)]*)/;
const SGLANG_VERSION = /sglang(?: version)?[ =:]+v?(\d+\.\d+\.\d+\S*)/i;
const COMMIT = /^InferenceX commit ([0-9a-f]{7,40})$/;
// Experts and matrices have backends of their own: attention is told by its name, or by what is said of it.
const ATTENTION = [
  /with AttentionType\.\w+\. Overriding with (\w+) /,
  /Using (?:AttentionBackendEnum\.)?(\w+) (?:attention )?backend out of/,
  /Using (?:AttentionBackendEnum\.)?(\w*(?:ATTN|MLA)\w*|FLASHINFER) backend/,
  /Using ((?:[\w-]+ )*(?:Attention|MLA)) backend/i,
  /\battention_backend='(\w+)'/,
];
// The encoder of pictures attends in a way of its own.
const ENCODER = /\b(?:ViT|MMEncoder|vit_attention|[Vv]ision)\b/;
const TENSOR_PARALLELISM = /\b(?:tensor_parallel_size|tp_size)(?:=|': )(\d+)/;
const CONTEXT = /\b(?:max_seq_len|context_length|max_model_len)(?:=|': )(\d+)/;

/** What is kept of a recipe that an earlier run started, for the runs that use its server again. */
export const STARTUP: StartupKeep = {
  fileOf: ({ host }) => `server-startup.${host}.log`,
  isStartupLine: (line) =>
    isVllmStartupLine(line) ||
    isSglangStartupLine(line) ||
    firstOf([plainLine(line)], [VLLM_VERSION, SGLANG_VERSION, COMMIT, ...ATTENTION, TENSOR_PARALLELISM, CONTEXT]) !==
      null,
};

/** Reads the log of a recipe: what vLLM or SGLang prints as it starts. The first to say something is right. */
export function readServerLog(lines: readonly string[]): ServerFacts {
  const plain = lines.map(plainLine);
  const ofLanguage = plain.filter((line) => !ENCODER.test(line));
  const versions = {
    vllm: firstOf(plain, [VLLM_VERSION]),
    sglang: firstOf(plain, [SGLANG_VERSION]),
    inferencemax: firstOf(plain, [COMMIT]),
  };
  return {
    versions: Object.fromEntries(
      Object.entries(versions).filter((entry): entry is [string, string] => entry[1] !== null),
    ),
    attention: firstOf(ofLanguage, ATTENTION),
    tensorParallelism: numberOf(firstOf(plain, [TENSOR_PARALLELISM])),
    maxModelLength: numberOf(firstOf(plain, [CONTEXT])),
    format: vllmFormat(readVllmStartup(lines)) ?? sglangFormat(readSglangStartup(lines)),
  };
}

function firstOf(lines: readonly string[], patterns: readonly RegExp[]): string | null {
  for (const line of lines) {
    const found = patterns.map((pattern) => pattern.exec(line)?.[1]).find((text) => text !== undefined);
    if (found !== undefined) return found;
  }
  return null;
}

function numberOf(text: string | null): number | null {
  return text === null ? null : Number(text);
}
