import { nearest } from '../../core/nearest.ts';
import type { FrameworkSpec } from '../schema/framework.ts';
import type { Unplaced } from '../issues/issues.ts';
import { listOf } from '../issues/schema-words.ts';
import type { Workload } from '../schema/schema.ts';
import type { Threshold } from '../threshold.ts';

/** Percentiles that are written as a fraction, and those over the requests of a role that the framework does not have. */
export function checkPercentiles(
  thresholds: Workload['thresholds'],
  { name, roles }: Pick<FrameworkSpec, 'name' | 'roles'>,
): readonly Unplaced[] {
  const known = [...roles.required, ...roles.optional];
  return thresholds.flatMap((threshold, index): readonly Unplaced[] => {
    if (threshold.kind !== 'Percentile') return [];
    const { percentile, role } = threshold;
    return [
      ...(percentile < 1 ? [{ path: ['thresholds', index, 'percentile'], ...describeFraction(percentile) }] : []),
      ...(role === undefined || known.includes(role)
        ? []
        : [
            {
              path: ['thresholds', index, 'role'],
              message: `${name} has no role ${role}`,
              hint: hintForRole(role, known),
            },
          ]),
    ];
  });
}

function describeFraction(percentile: number): Pick<Unplaced, 'message' | 'hint'> {
  return { message: `${percentile} is a fraction`, hint: `write ${inPercent(percentile)}` };
}

/** A percentile, a fraction in percent. */
function inPercent(percentile: number): number {
  // 0.999 x 100 is 99.9 in decimal alone.
  return percentile < 1 ? Number((percentile * 100).toPrecision(12)) : percentile;
}

/** A threshold as it is meant: a Percentile of 0.99 is one of 99. */
export function inPercents(threshold: Threshold): Threshold {
  return threshold.kind === 'Percentile' ? { ...threshold, percentile: inPercent(threshold.percentile) } : threshold;
}

function hintForRole(role: string, known: readonly string[]): string {
  const meant = nearest(role, known);
  return meant === null ? `use ${listOf(known, 'or')}` : `did you mean \`${meant}\`?`;
}
