import { nearest } from '../core/nearest.ts';
import { benchmarkOf, thresholdFor } from './benchmark.ts';
import type { CellThreshold } from './cell.ts';
import type { CellMistake } from './cell-mistakes.ts';
import type { Frameworks } from './check-params.ts';
import type { FrameworkSpec } from './framework.ts';
import type { Unplaced } from './issues.ts';
import type { Workload } from './schema.ts';
import { exampleFor, rulesOf } from './threshold.ts';
import { isVacuous } from './vacuous.ts';

/** The benchmarks of a cell that nothing judges, and the thresholds that answer none of its benchmarks. */
export function checkCoverage(
  workload: Pick<Workload, 'benchmarks' | 'thresholds'>,
  { cellId, thresholds }: { readonly cellId: string; readonly thresholds: readonly CellThreshold[] },
  frameworks: Frameworks,
): readonly CellMistake[] {
  const plain = thresholds.map(({ threshold }) => threshold);
  const unjudged = workload.benchmarks.flatMap((benchmark, index) =>
    frameworks.spec.predicates.includes(benchmark) || thresholdFor(benchmark, plain) !== undefined
      ? []
      : [{ path: ['benchmarks', index], cellId, ...describeUnjudged(benchmark, frameworks) }],
  );
  const claimed = new Set(workload.benchmarks.map((benchmark) => thresholdFor(benchmark, plain)));
  const unclaimed = plain
    .filter((threshold) => !claimed.has(threshold))
    .map((threshold) => ({
      path: ['thresholds', workload.thresholds.indexOf(threshold)],
      message: `no benchmark claims this ${threshold.kind}`,
      hint: `add ${benchmarkOf(threshold)} to \`benchmarks:\``,
    }));
  return [...unjudged, ...unclaimed];
}

function describeUnjudged(benchmark: string, { spec, all }: Frameworks): Pick<Unplaced, 'message' | 'hint'> {
  const judges = all.filter(({ predicates }) => predicates.includes(benchmark)).map(({ name }) => name);
  if (judges.length === 0) {
    const example = exampleFor(benchmark, spec.metrics);
    const what = example === null ? `a threshold with \`benchmark: ${benchmark}\`` : `\`- ${example}\``;
    return { message: `${benchmark} has no threshold`, hint: `add ${what}, or set \`enforce: false\` to record only` };
  }
  const message = `${benchmark} is judged while ${judges.join(' or ')} runs; ${spec.name} has no such check`;
  return { message, hint: 'remove it' };
}

/** The thresholds that no run could miss. */
export function checkVacuous(thresholds: Workload['thresholds']): readonly Unplaced[] {
  return thresholds.flatMap((threshold, index) => {
    const reason = isVacuous(threshold);
    if (reason === null) return [];
    return [{ path: ['thresholds', index], message: `cannot fail: ${reason}`, hint: 'set a bound that can fail' }];
  });
}

/** The metrics of thresholds that the framework never emits, so that no run has a value to judge. */
export function checkMetrics(
  thresholds: Workload['thresholds'],
  { name, metrics }: Pick<FrameworkSpec, 'name' | 'metrics'>,
): readonly Unplaced[] {
  return thresholds.flatMap((threshold, index) =>
    rulesOf(threshold)
      .metrics(threshold)
      .filter(({ metric }) => !metrics.includes(metric))
      .map(({ path, metric }) => {
        const meant = nearest(metric, metrics);
        return {
          path: ['thresholds', index, ...path],
          message: `${name} emits no ${metric}`,
          hint: meant === null ? `use one of ${metrics.join(', ')}` : `did you mean \`${meant}\`?`,
        };
      }),
  );
}
