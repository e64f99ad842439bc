import { chai } from 'vitest';
import { inspect } from 'node:util';
import { shorten } from '../../config/issues/show.ts';
import { AssayError } from '../../core/errors.ts';
import type { Verdict } from '../../evidence/verdict.ts';

/**
 * The verdict that a check returned; null when it returned none and speaks through `expect`, which gives back
 * something of its own.
 *
 * @throws AssayError CLAIMS_INVALID for anything else, such as `false`: nothing would judge it.
 */
export function verdictIn(returned: unknown): Verdict | null {
  if (returned === undefined || isVerdict(returned)) return returned ?? null;
  const all: readonly unknown[] = Array.isArray(returned) ? returned : [returned];
  if (all.every((one) => one === undefined || one instanceof chai.Assertion)) return null;
  const text = shorten(inspect(returned, { depth: 0, breakLength: Infinity }));
  throw new AssayError('CLAIMS_INVALID', `the check returned ${text}, which judges nothing`, {
    hint: "return one verdict, `run.verdict('ttft_p99')`, or say what must be with `expect`",
  });
}

function isVerdict(returned: unknown): returned is Verdict {
  return typeof returned === 'object' && returned !== null && 'benchmark' in returned && 'outcome' in returned;
}
