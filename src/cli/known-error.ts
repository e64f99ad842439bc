import { AssayError, withoutStack } from '../core/errors.ts';

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
  const plain = `${error.name}: ${error.message}`;
  // The plugin has prepared its errors already: the next step is not to be said twice.
  const isPrepared = error.stack === plain || !(error instanceof AssayError);
  return isPrepared ? plain : String((withoutStack(error) as Error).stack);
}
