import { AssayError } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';

/**
 * Refuses options that a command does not have: citty lets them pass, and a
 * mistyped `--json` would silently print the wrong thing.
 *
 * @throws AssayError USAGE
 */
export function refuseUnknown(args: Readonly<Record<string, unknown>>, known: readonly string[]): void {
  const unknown = Object.keys(args).find((name) => name !== '_' && !known.includes(name));
  if (unknown === undefined) return;
  const meant = nearest(unknown, known);
  throw new AssayError('USAGE', `there is no option --${unknown}`, {
    hint: meant === null ? 'see --help' : `did you mean --${meant}?`,
  });
}
