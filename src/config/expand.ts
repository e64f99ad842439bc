import { dirname } from 'node:path';
import type { Cell, CellThreshold } from './cell.ts';
import { benchmarkOf, thresholdFor } from './benchmark.ts';
import type { FrameworkSpec } from './framework.ts';
import { explainIssues } from './issues.ts';
import type { Unplaced } from './issues.ts';
import type { Workload } from './schema.ts';
import { expandSweep, selects } from './sweep.ts';
import type { SweepPoint } from './sweep.ts';
import { bracketOf, tagsOfCell } from './tags.ts';
import { isVacuous } from './vacuous.ts';
import { topologySchema } from './topology.ts';

/** What one config becomes: its cells, and everything that is wrong with it. */
export interface Expansion {
  readonly cells: readonly Cell[];
  /** Mistakes that stop the session. */
  readonly mistakes: readonly Unplaced[];
  /** Mistakes that do not, because the config only records (`enforce: false`). */
  readonly warnings: readonly Unplaced[];
}

/** A validated config, the framework it names, and where it came from. */
export interface ExpansionInput {
  readonly workload: Workload;
  readonly spec: FrameworkSpec;
  /** The file as the user named it. */
  readonly file: string;
  /** The same file, absolute. */
  readonly absoluteFile: string;
  /** The line of the n-th threshold. */
  readonly thresholdLine: (index: number) => number;
}

/** Expands a config into its cells and checks each cell against its framework. */
export function expandWorkload(input: ExpansionInput): Expansion {
  const { workload, spec } = input;
  const sweep = expandSweep(workload.sweep, spec.axisTokens);
  const mistakes: Unplaced[] = sweep.mistakes.map((mistake) => ({ ...mistake, path: ['sweep', ...mistake.path] }));
  mistakes.push(...checkKnobs(workload, spec), ...checkKind(workload, spec));
  const coverage: Unplaced[] = checkVacuous(workload);
  const cells = sweep.points.map((point) => resolveCell(point, { input, mistakes, coverage }));
  const unique = distinct(mistakes);
  const notes = distinct(coverage);
  return workload.enforce
    ? { cells, mistakes: [...unique, ...notes], warnings: [] }
    : { cells, mistakes: unique, warnings: notes };
}

interface CellContext {
  readonly input: ExpansionInput;
  readonly mistakes: Unplaced[];
  readonly coverage: Unplaced[];
}

function resolveCell(point: SweepPoint, { input, mistakes, coverage }: CellContext): Cell {
  const { workload, spec } = input;
  const params = checkParams(point, { workload, spec }, mistakes);
  const topology =
    point.topology === undefined ? workload.topology : (checkTopology(point, mistakes) ?? workload.topology);
  const thresholds = applicableThresholds(point, input, mistakes);
  coverage.push(...checkCoverage(point, workload, thresholds));
  return {
    key: `${workload.test_id}/${point.cellId}`,
    cellId: point.cellId,
    configFile: input.file,
    configFolder: dirname(input.absoluteFile),
    workload,
    axes: point.axes,
    params,
    topology,
    thresholds,
    tags: tagsOfCell(workload, point.cellId, topology),
    bracket: bracketOf(workload, point.cellId),
  };
}

function checkParams(
  point: SweepPoint,
  { workload, spec }: Pick<ExpansionInput, 'workload' | 'spec'>,
  mistakes: Unplaced[],
): Readonly<Record<string, unknown>> {
  const merged = { ...workload.params, ...point.params };
  const result = spec.params.safeParse(merged);
  if (result.success) return result.data;
  for (const issue of explainIssues(spec.params, result.error, merged)) {
    const field = String(issue.path[0] ?? '');
    const isSwept = field in point.params;
    mistakes.push({
      ...issue,
      path: isSwept ? sweepPath(field, workload) : ['params', ...issue.path],
      message: isSwept ? `${issue.message} (in cell ${point.cellId})` : issue.message,
    });
  }
  return merged;
}

// A swept value stands under its own axis, or inside an option of a paired one.
function sweepPath(field: string, workload: Workload): readonly string[] {
  const { exclude: _exclude, include: _include, ...axes } = workload.sweep;
  if (field in axes) return ['sweep', field];
  const paired = Object.entries(axes).find(
    ([, options]) => Array.isArray(options) && options.some((option) => typeof option === 'object' && field in option),
  );
  return paired === undefined ? ['sweep'] : ['sweep', paired[0]];
}

function checkTopology(point: SweepPoint, mistakes: Unplaced[]): Workload['topology'] | undefined {
  const result = topologySchema.safeParse(point.topology);
  if (result.success) return result.data;
  for (const issue of explainIssues(topologySchema, result.error, point.topology)) {
    mistakes.push({ ...issue, path: ['sweep'], message: `topology of ${point.cellId}: ${issue.message}` });
  }
  return undefined;
}

function checkKnobs(workload: Workload, spec: FrameworkSpec): readonly Unplaced[] {
  const result = spec.knobs.safeParse(workload.knobs);
  if (result.success) return [];
  const issues = explainIssues(spec.knobs, result.error, workload.knobs);
  return issues.map((issue) => ({ ...issue, path: ['knobs', ...issue.path] }));
}

function checkKind(workload: Workload, spec: FrameworkSpec): readonly Unplaced[] {
  if (workload.workload_kind === spec.workloadKind) return [];
  return [
    {
      path: ['workload_kind'],
      message: `"${workload.workload_kind}", but ${spec.name} runs ${spec.workloadKind}`,
      hint: `write ${spec.workloadKind}`,
    },
  ];
}

/** The thresholds of a cell: of several for one subject, the one whose `when:` names most. */
function applicableThresholds(
  point: SweepPoint,
  { workload, file, thresholdLine }: ExpansionInput,
  mistakes: Unplaced[],
): readonly CellThreshold[] {
  const bySubject = new Map<string, { readonly index: number; readonly specificity: number }>();
  for (const [index, threshold] of workload.thresholds.entries()) {
    const when = threshold.when ?? {};
    if (!selects(when, point.axes)) continue;
    const subject = benchmarkOf(threshold);
    const specificity = Object.keys(when).length;
    const rival = bySubject.get(subject);
    if (rival !== undefined && rival.specificity === specificity) {
      mistakes.push({
        path: ['thresholds', index],
        message: `judges ${subject} in cell ${point.cellId}, and so does thresholds[${rival.index}]`,
        hint: 'remove one, or make its `when:` more specific',
      });
    }
    if (rival === undefined || specificity > rival.specificity) bySubject.set(subject, { index, specificity });
  }
  return [...bySubject.values()]
    .sort((a, b) => a.index - b.index)
    .flatMap(({ index }) => {
      const threshold = workload.thresholds[index];
      return threshold === undefined ? [] : [{ threshold, source: `${file}:${thresholdLine(index)}` }];
    });
}

function checkCoverage(
  point: SweepPoint,
  workload: Workload,
  thresholds: readonly CellThreshold[],
): readonly Unplaced[] {
  const plain = thresholds.map(({ threshold }) => threshold);
  const unjudged = workload.benchmarks.flatMap((benchmark, index) =>
    thresholdFor(benchmark, plain) !== undefined
      ? []
      : [
          {
            path: ['benchmarks', index],
            message: `${benchmark} has no threshold in cell ${point.cellId}`,
            hint: 'add one, or set `enforce: false` to record only',
          },
        ],
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

function checkVacuous(workload: Workload): Unplaced[] {
  return workload.thresholds.flatMap((threshold, index) => {
    const reason = isVacuous(threshold);
    if (reason === null) return [];
    return [{ path: ['thresholds', index], message: `cannot fail: ${reason}`, hint: 'set a bound that can fail' }];
  });
}

function distinct(mistakes: readonly Unplaced[]): readonly Unplaced[] {
  const byText = new Map(mistakes.map((mistake) => [JSON.stringify([mistake.path, mistake.message]), mistake]));
  return [...byText.values()];
}
