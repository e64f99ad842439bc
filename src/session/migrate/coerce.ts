import { z } from 'zod';
import { isOpen } from './draft.ts';

/** A value in the type that a field wants, or why there is none. */
export type Coerced = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly why: string };

/** The value of a legacy field as a schema takes it: legacy files write numbers, booleans and lists as text. */
export function coerce(schema: z.core.$ZodType, value: unknown): Coerced {
  if (isOpen(value)) return { ok: true, value };
  for (const candidate of candidatesOf(value)) {
    if (z.safeParse(schema, candidate).success) return { ok: true, value: candidate };
  }
  const failure = z.safeParse(schema, plain(value));
  return { ok: false, why: failure.error?.issues[0]?.message ?? 'it is not accepted' };
}

function candidatesOf(value: unknown): readonly unknown[] {
  if (typeof value !== 'string') return [value];
  const list = value.split(',').map((part) => part.trim());
  return [value, plain(value), list, list.map(plain)];
}

// Python writes 500_000, True and 1.0e-5.
const NUMBER = /^[-+]?(?:\d[\d_]*\.?[\d_]*|\.\d+)(?:e[-+]?\d+)?$/i;

/** A text as the number or boolean that it spells; any other value as it is. */
export function plain(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const text = value.trim();
  if (/^(?:true|false)$/i.test(text)) return text.toLowerCase() === 'true';
  if (!NUMBER.test(text)) return value;
  const number = Number(text.replaceAll('_', ''));
  return Number.isFinite(number) && (!Number.isInteger(number) || Number.isSafeInteger(number)) ? number : value;
}

/** A whole number of 1 or more that a legacy value spells; null for anything else. */
export function countOf(value: unknown): number | null {
  const number = plain(value);
  return typeof number === 'number' && Number.isInteger(number) && number > 0 ? number : null;
}
