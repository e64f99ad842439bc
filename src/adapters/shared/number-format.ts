import type { Scalar } from '../../config/schema/framework.ts';

const FORMATS: readonly (readonly [pattern: RegExp, format: string])[] = [
  [/fp4/i, 'fp4'],
  [/fp8|w8a8/i, 'fp8'],
  [/bf16|bfloat16/i, 'bf16'],
  [/fp16|float16|half/i, 'fp16'],
  [/fp32|float32/i, 'fp32'],
  [/int8/i, 'int8'],
  [/int4|awq|gptq/i, 'int4'],
];

/** The number format that a word stands for, whatever its flavour: `mxfp4` and `nvfp4` are fp4; null for none. */
export function formatOf(word: string): string | null {
  return FORMATS.find(([pattern]) => pattern.test(word))?.[1] ?? null;
}

/** A number format in the words of the knob that asked for it; another than that by its own name. */
export function inWordsOf(knob: Scalar, format: string | null): Scalar | null {
  return format !== null && format === formatOf(String(knob)) ? knob : format;
}
