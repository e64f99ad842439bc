import { z } from 'zod';

/** How a measured value is held against a limit; the only thing that says which direction is good. */
export const comparisonSchema = z
  .enum(['<=', '<', '>=', '>'])
  .describe('How the measured value is held against the limit: `<=` where lower is better, `>=` where higher is.');

/** `<=`, `<`, `>=` or `>`. */
export type Comparison = z.output<typeof comparisonSchema>;

/** Whether the limit is a ceiling: lower is better. */
export function isUpperBound(op: Comparison): boolean {
  return op === '<=' || op === '<';
}

// Latencies, rates and token counts live between these two.
const SMALLEST_VALUE = 0;
const LARGEST_VALUE = 1e6;

/** Why no measured value can miss a limit; null when one can. */
export function vacuousLimit(op: Comparison, limit: number): string | null {
  if (isUpperBound(op)) return limit >= LARGEST_VALUE ? `no value is above ${limit}` : null;
  return limit <= SMALLEST_VALUE ? `every value is at least ${SMALLEST_VALUE}` : null;
}
