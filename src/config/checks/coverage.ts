import { nearest } from '../../core/nearest.ts';
import { benchmarkOf, thresholdFor } from '../benchmark.ts';
import type { CellThreshold } from '../cell.ts';
import type { CellMistake } from './cell-mistakes.ts';
import { misusedLeast } from './check-direction.ts';
import { inPercents } from './check-percentiles.ts';
import type { Frameworks, FrameworkSpec } from '../schema/framework.ts';
import type { Unplaced } from '../issues/issues.ts';
import { parseMetricName, percentileName } from '../metric-name.ts';
import type { Complaint } from '../yaml/problem.ts';
import type { Workload } from '../schema/schema.ts';
import { exampleFor, rulesOf } from '../threshold.ts';
import type { Threshold } from '../threshold.ts';
import { isVacuous } from './vacuous.ts';

/**
 * The benchmarks of a cell that nothing judges, and the thresholds that answer none of its benchmarks. A list of
 * thresholds that many cells share is found to have no gaps once.
 */
export function coverageCheck(
  workload: Pick<Workload, 'benchmarks' | 'thresholds' | 'enforce'>,
  frameworks: Frameworks,
): (cellId: string, thresholds: readonly CellThreshold[]) => readonly CellMistake[] {
  const sound = new Set<readonly CellThreshold[]>();
  return (cellId, thresholds) => {
    if (sound.has(thresholds)) return [];
    const gaps = checkCoverage(workload, { cellId, thresholds }, frameworks);
    if (gaps.length === 0) sound.add(thresholds);
    return gaps;
  };
}

function checkCoverage(
  workload: Pick<Workload, 'benchmarks' | 'thresholds' | 'enforce'>,
  { cellId, thresholds }: { readonly cellId: string; readonly thresholds: readonly CellThreshold[] },
  frameworks: Frameworks,
): readonly CellMistake[] {
  const plain = thresholds.map(({ threshold }) => threshold);
  const idle = new Set(thresholds.filter(({ threshold }) => !workload.benchmarks.includes(benchmarkOf(threshold))));
  const unjudged = workload.benchmarks.flatMap((benchmark, index): readonly CellMistake[] => {
    if (isPredicate(benchmark, frameworks.spec) || thresholdFor(benchmark, plain)) return [];
    const meant = meantFor(benchmark, [...idle], frameworks);
    if (meant !== null) idle.delete(meant);
    // What is wrong with such a threshold is told by checkMetrics or checkPercentiles.
    if (meant !== null && !isKnown(meant.threshold, frameworks.spec)) return [];
    const complaint =
      meant === null ? describeUnjudged(benchmark, { ...frameworks, workload }) : describeMisspelt(benchmark, meant);
    return [{ path: ['benchmarks', index], cellId, ...complaint }];
  });
  const unclaimed = [...idle]
    .filter(({ threshold }) => isKnown(threshold, frameworks.spec))
    .map(({ threshold }) => ({
      path: ['thresholds', workload.thresholds.findIndex((written) => written === threshold)],
      message: `no benchmark asks for this ${threshold.kind}`,
      hint: `add ${benchmarkOf(threshold)} to \`benchmarks:\`, or remove it`,
    }));
  return [...unjudged, ...unclaimed];
}

/** Whether nothing is wrong with a threshold that gives it another benchmark than was meant. */
function isKnown(threshold: Threshold, { metrics }: FrameworkSpec): boolean {
  const isFraction = threshold.kind === 'Percentile' && threshold.percentile < 1;
  const named = rulesOf(threshold).metrics(threshold);
  return !isFraction && named.every(({ metric }) => metrics.includes(metric));
}

/** The threshold that a benchmark was meant for when one of the two is misspelt; null when there is none. */
function meantFor(benchmark: string, idle: readonly CellThreshold[], { spec, all }: Frameworks): CellThreshold | null {
  const named = idle.map((placed) => ({ placed, name: benchmarkOf(inPercents(placed.threshold)) }));
  const begun = named.filter(({ name }) => name.startsWith(benchmark) || isReordered(benchmark, name));
  if (begun.length === 1) return begun[0]?.placed ?? null;
  // A benchmark that could be answered as it is written is not misspelt; the metric of a threshold may be.
  const isSound = exampleFor(benchmark, spec.metrics) !== null;
  const candidates = isSound ? named.filter(({ placed }) => !isKnown(placed.threshold, spec)) : named;
  const meant = nearest(
    benchmark,
    candidates.map(({ name }) => name),
  );
  const found = candidates.find(({ name }) => name === meant);
  // What nothing can judge and the only threshold that judges nothing belong together.
  const only = named.length === 1 && isNobodys(benchmark, { spec, all }) ? named[0] : undefined;
  return (found ?? only)?.placed ?? null;
}

/** Whether no framework can judge a benchmark, and none that this one can is near. */
function isNobodys(benchmark: string, { spec, all }: Frameworks): boolean {
  const isJudged = judgesOf(benchmark, all).length > 0 || foreignMetric(benchmark, all) !== null;
  return !isJudged && possibleNear(benchmark, spec) === null;
}

/** `p99_ttft` for `ttft_p99`. */
function isReordered(benchmark: string, name: string): boolean {
  const inOrder = (text: string): string => text.split('_').toSorted().join('_');
  return benchmark !== name && inOrder(benchmark) === inOrder(name);
}

function describeMisspelt(benchmark: string, { threshold, source }: CellThreshold): Complaint {
  const hint = `spell both alike: the threshold at ${source} is for ${benchmarkOf(threshold)}`;
  return { message: `${benchmark} has no threshold`, hint };
}

type Coverage = Frameworks & { readonly workload: Pick<Workload, 'enforce' | 'thresholds'> };

function describeUnjudged(benchmark: string, { spec, all, workload }: Coverage): Complaint {
  const judges = judgesOf(benchmark, all);
  if (judges.length > 0) {
    const message = `${benchmark} is judged while ${judges.join(' or ')} runs; ${spec.name} has no such check`;
    return { message, hint: 'remove it' };
  }
  const message = `${benchmark} has no threshold`;
  const orRecord = workload.enforce ? ', or set `enforce: false` to record only' : '';
  const example = exampleFor(benchmark, spec.metrics);
  if (example !== null) return { message, hint: `add \`- ${example}\`${orRecord}` };
  const metric = foreignMetric(benchmark, all);
  if (metric !== null)
    return { message: `${spec.name} emits no ${metric}, which ${benchmark} judges`, hint: 'remove it' };
  const meant = nearBenchmark(benchmark, workload.thresholds.map(benchmarkOf)) ?? possibleNear(benchmark, spec);
  if (meant !== null) return { message, hint: `did you mean \`${meant}\`?` };
  return { message, hint: `add a threshold with \`benchmark: ${benchmark}\`${orRecord}` };
}

function judgesOf(benchmark: string, all: Frameworks['all']): readonly string[] {
  return all.filter((spec) => isPredicate(benchmark, spec)).map(({ name }) => name);
}

function isPredicate(benchmark: string, { predicates }: FrameworkSpec): boolean {
  return predicates.some((name) => name === benchmark);
}

/** The metric of any framework that a benchmark judges; null for a name that no kind of threshold has. */
function foreignMetric(benchmark: string, all: Frameworks['all']): string | null {
  return all.flatMap(({ metrics }) => metrics).find((metric) => exampleFor(benchmark, [metric]) !== null) ?? null;
}

/** The benchmark that a framework can have and that a misspelt one was meant for; null when none is near. */
function possibleNear(benchmark: string, { metrics, predicates }: FrameworkSpec): string | null {
  return nearBenchmark(benchmark, [...predicates, ...usualBenchmarks(metrics)]);
}

function nearBenchmark(benchmark: string, names: readonly string[]): string | null {
  return names.find((name) => isReordered(benchmark, name)) ?? nearest(benchmark, names);
}

const USUAL_PERCENTILES = [99, 95, 90, 50];

/** The benchmarks that metrics are usually judged by, without those that no kind of threshold answers. */
function usualBenchmarks(metrics: readonly string[]): readonly string[] {
  const names = metrics.flatMap((metric) => {
    const { stem } = parseMetricName(metric);
    const percentiles = USUAL_PERCENTILES.map((percentile) => percentileName(metric, percentile));
    return [metric, ...percentiles, `monotonic_${stem}`, `${stem}_stability`];
  });
  return [...names, 'goodput', 'convergence', 'perplexity'].filter((name) => exampleFor(name, metrics) !== null);
}

/** The thresholds that no run could miss. */
export function checkVacuous(thresholds: Workload['thresholds']): readonly Unplaced[] {
  return thresholds.flatMap((threshold, index) => {
    const reason = isVacuous(threshold);
    // What holds a least as a most is told by checkLeasts.
    if (reason === null || misusedLeast(threshold) !== null) return [];
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
