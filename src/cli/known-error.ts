import { AssayError, withoutStack } from '../core/errors.ts';

/**
 * The known error in what was thrown; null when it is none. Vitest puts the errors
 * of projects into one, and a plugin from another installation has its own class.
 */
export function knownErrorIn(thrown: unknown): Error | null {
  const all: readonly unknown[] = thrown instanceof AggregateError ? thrown.errors : [thrown];
  return all.find((one): one is Error => one instanceof Error && one.name === 'AssayError') ?? refusalIn(all);
}

/** A file that the user has no right to is no mistake of ours, wherever it was found. */
function refusalIn(all: readonly unknown[]): AssayError | null {
  const refused = all.find((one): one is NodeJS.ErrnoException => {
    const { code, path } = (one instanceof Error ? one : {}) as NodeJS.ErrnoException;
    return (code === 'EACCES' || code === 'EPERM') && path !== undefined;
  });
  if (refused === undefined) return null;
  return new AssayError('USAGE', `this user has no right to ${refused.path}: ${refused.message}`, {
    hint: 'change its permissions, or name another folder',
    cause: refused,
  });
}

/** A known error for people: what, where and what to do next. */
export function describeKnown(error: Error): string {
  withoutStack(error);
  return `${error.name}: ${error.message}`;
}
