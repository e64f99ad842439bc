import type { Scalar } from '../../config/schema/framework.ts';
import type { WorkloadResult } from '../../lifecycle/adapter.ts';

/** What was asked for, undefined where nothing was, beside what is in force, null where nothing says it. */
export type Pair = readonly [asked: Scalar | undefined, applied: Scalar | null];

/** What of all this was asked for, beside what is in force. */
export function onlyAsked(pairs: Readonly<Record<string, Pair>>): WorkloadResult['applied'] {
  return Object.fromEntries(
    Object.entries(pairs).flatMap(([name, [asked, applied]]) =>
      asked === undefined ? [] : [[name, { asked, applied }] as const],
    ),
  );
}
