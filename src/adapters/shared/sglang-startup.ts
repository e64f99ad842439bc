import { formatOf } from './number-format.ts';
import { plainLine } from './role-logs.ts';

/** What an SGLang server said of itself while it started; null and empty where it did not. */
export interface SglangStartup {
  /** Its arguments as Python prints them, without quotes: `aiter`, `None`, `True`. */
  readonly args: Readonly<Record<string, string>>;
  /** The attention backend that it chose where it was not told one. */
  readonly chosenAttention: string | null;
  /** The number format of the weights: the method that a checkpoint is quantized with, or its data type. */
  readonly weights: string | null;
  readonly hasLoadedAiter: boolean;
}

/** The arguments that are read; none of their values holds a comma. */
const ARGUMENTS = [
  'attention_backend',
  'prefill_attention_backend',
  'decode_attention_backend',
  'quantization',
  'kv_cache_dtype',
  'tp_size',
  'pp_size',
  'dp_size',
  'ep_size',
  'context_length',
  'chunked_prefill_size',
  'disaggregation_mode',
  'disaggregation_transfer_backend',
  'enable_dp_attention',
];

const SERVER_ARGS = /\bserver_args=ServerArgs\((.*)/;
const CHOSEN_ATTENTION = /\bUse (\w+) backend by default\b/;
const DETECTED = /\bDetected (\w+) checkpoint\b/i;
const LOADED = /\bLoad weight end\. (.*)/;
const AITER = /^\[aiter\] |\[aiter\] (?:import|start|finish) /;

// A router is started in a way of its own.
const ROUTER = /\bStarting router on |\bPolicy: /;

/** Whether a line of the log of an SGLang server or its router says something of how it was started. */
export function isSglangStartupLine(line: string): boolean {
  const plain = plainLine(line);
  return [SERVER_ARGS, CHOSEN_ATTENTION, DETECTED, LOADED, AITER, ROUTER].some((pattern) => pattern.test(plain));
}

/** Reads a server's log; of a line that is cut short, only what has an end is taken. */
export function readSglangStartup(lines: readonly string[]): SglangStartup {
  const plain = lines.map((line) => plainLine(line));
  const first = (pattern: RegExp): string | null =>
    plain.map((line) => pattern.exec(line)?.[1]).find((found) => found !== undefined) ?? null;
  const loaded = first(LOADED);
  return {
    args: argumentsIn(first(SERVER_ARGS) ?? ''),
    chosenAttention: first(CHOSEN_ATTENTION),
    weights: first(DETECTED) ?? quantIn(loaded) ?? /\bdtype=(?:torch\.)?(\w+),/.exec(loaded ?? '')?.[1] ?? null,
    hasLoadedAiter: plain.some((line) => AITER.test(line)),
  };
}

/** The number format of the weights, a word of SGLang's own where it is none that is known; null where the log says none. */
export function sglangFormat({ args, weights }: SglangStartup): string | null {
  const { quantization: method = 'None' } = args;
  const name = method === 'None' ? weights : method;
  return name === null ? null : (formatOf(name) ?? name);
}

function argumentsIn(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    ARGUMENTS.flatMap((name) => {
      // Without what follows it, a value may be cut short.
      const [, value] = new RegExp(`(?:^|, )${name}=(?:'([^']*)'|[\\w.+-]+)(?=[,)])`).exec(text) ?? [];
      const bare = new RegExp(`(?:^|, )${name}=([\\w.+-]+)(?=[,)])`).exec(text)?.[1];
      const found = value ?? bare;
      return found === undefined ? [] : [[name, found]];
    }),
  );
}

function quantIn(loaded: string | null): string | null {
  const quant = /\bquant=(\w+),/.exec(loaded ?? '')?.[1];
  return quant === undefined || quant === 'None' ? null : quant;
}
