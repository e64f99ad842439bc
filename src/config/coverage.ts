import { nearest } from '../core/nearest.ts';
import { benchmarkOf, thresholdFor } from './benchmark.ts';
import type { CellThreshold } from './cell.ts';
import type { CellMistake } from './cell-mistakes.ts';
import type { Frameworks, FrameworkSpec } from './framework.ts';
import type { Unplaced } from './issues.ts';
import type { Complaint } from './problem.ts';
import type { Workload } from './schema.ts';
import { exampleFor, rulesOf } from './threshold.ts';
import type { Threshold } from './threshold.ts';
import { isVacuous } from './vacuous.ts';

/** The benchmarks of a cell that nothing judges, and the thresholds that answer none of its benchmarks. */
export function checkCoverage(
  workload: Pick<Workload, 'benchmarks' | 'thresholds'>,
  { cellId, thresholds }: { readonly cellId: string; readonly thresholds: readonly CellThreshold[] },
  frameworks: Frameworks,
): readonly CellMistake[] {
  const plain = thresholds.map(({ threshold }) => threshold);
  const idle = new Set(thresholds.filter(({ threshold }) => !workload.benchmarks.includes(benchmarkOf(threshold))));
  const unjudged = workload.benchmarks.flatMap((benchmark, index): readonly CellMistake[] => {
    if (frameworks.spec.predicates.includes(benchmark) || thresholdFor(benchmark, plain)) return [];
    const meant = meantFor(benchmark, [...idle], frameworks.spec);
    if (meant !== null) idle.delete(meant);
    // What is wrong with the metric of a threshold is told by checkMetrics.
    if (meant !== null && !isKnown(meant.threshold, frameworks.spec)) return [];
    const complaint = meant === null ? describeUnjudged(benchmark, frameworks) : describeMisspelt(benchmark, meant);
    return [{ path: ['benchmarks', index], cellId, ...complaint }];
  });
  const unclaimed = [...idle]
    .filter(({ threshold }) => isKnown(threshold, frameworks.spec))
    .map(({ threshold }) => ({
      path: ['thresholds', workload.thresholds.indexOf(threshold)],
      message: `no benchmark asks for this ${threshold.kind}`,
      hint: `add ${benchmarkOf(threshold)} to \`benchmarks:\`, or remove it`,
    }));
  return [...unjudged, ...unclaimed];
}

function isKnown(threshold: Threshold, { metrics }: FrameworkSpec): boolean {
  return rulesOf(threshold)
    .metrics(threshold)
    .every(({ metric }) => metrics.includes(metric));
}

/** The threshold that a benchmark was meant for when one of the two is misspelt; null when none is near. */
function meantFor(benchmark: string, idle: readonly CellThreshold[], spec: FrameworkSpec): CellThreshold | null {
  // A benchmark that could be answered as it is written is not misspelt; the metric of a threshold may be.
  const isSound = exampleFor(benchmark, spec.metrics) !== null;
  const candidates = isSound ? idle.filter(({ threshold }) => !isKnown(threshold, spec)) : idle;
  const meant = nearest(
    benchmark,
    candidates.map(({ threshold }) => benchmarkOf(threshold)),
  );
  return candidates.find(({ threshold }) => benchmarkOf(threshold) === meant) ?? null;
}

function describeMisspelt(benchmark: string, { threshold, source }: CellThreshold): Complaint {
  const hint = `spell both alike: the threshold at ${source} is for ${benchmarkOf(threshold)}`;
  return { message: `${benchmark} has no threshold`, hint };
}

function describeUnjudged(benchmark: string, { spec, all }: Frameworks): Complaint {
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
