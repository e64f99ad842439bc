import { withoutStack } from '../core/errors.ts';

/**
 * The known error in what was thrown; null when it is none. Vitest puts the errors
 * of projects into one, and a plugin from another installation has its own class.
 */
export function knownErrorIn(thrown: unknown): Error | null {
  const all: readonly unknown[] = thrown instanceof AggregateError ? thrown.errors : [thrown];
  return all.find((one): one is Error => one instanceof Error && one.name === 'AssayError') ?? null;
}

/** A known error for people: what, where and what to do next. */
export function describeKnown(error: Error): string {
  withoutStack(error);
  return `${error.name}: ${error.message}`;
}
