import { asDeclared, PLANNING } from './claim.ts';
import type { Claims } from './claim.ts';
import { registerClaims } from './register.ts';

/**
 * Declares the claims of a suite file. Export the result as default:
 *
 * ```ts
 * export default claims({
 *   ttft_p99: { benchmark: 'ttft_p99', check: ({ run }) => run.verdict('ttft_p99') },
 * });
 * ```
 *
 * The main process reads the declaration to plan; a worker registers the
 * selected claims as ordinary tests.
 */
export function claims<Name extends string>(declared: Claims<Name>): Claims<Name> {
  if (!(PLANNING in globalThis)) registerClaims(declared);
  return asDeclared(declared);
}
