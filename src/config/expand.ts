import { dirname } from 'node:path';
import type { Cell } from './cell.ts';
import { checkCoverage, checkMetrics, checkVacuous } from './coverage.ts';
import type { FrameworkSpec } from './framework.ts';
import { explainIssues } from './issues.ts';
import type { Unplaced } from './issues.ts';
import type { FrameworkPart, Workload } from './schema.ts';
import { expandSweep } from './sweep.ts';
import type { SweepMistake, SweepPoint } from './sweep.ts';
import { bracketOf, tagsOfCell } from './tags.ts';
import { checkWhen, thresholdsOfCell } from './thresholds-of-cell.ts';
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
  const mistakes: Unplaced[] = [...placeInSweep(sweep.mistakes), ...checkKnobs(workload, spec)];
  mistakes.push(...checkKind(workload, spec));
  const axes = sweep.points.map((point) => point.axes);
  mistakes.push(...checkWhen(workload.thresholds, axes));
  const coverage: Unplaced[] = [...checkVacuous(workload.thresholds), ...checkMetrics(workload.thresholds, spec)];
  const cells = sweep.points.map((point) => resolveCell(point, { input, mistakes, coverage }));
  const unique = distinct(mistakes);
  const notes = distinct(coverage);
  return workload.enforce
    ? { cells, mistakes: [...unique, ...notes], warnings: [] }
    : { cells, mistakes: unique, warnings: notes };
}

/** Checks what a framework can say of a config whose other fields are still wrong. */
export function checkFrameworkPart(part: FrameworkPart, spec: FrameworkSpec): readonly Unplaced[] {
  const sweep = expandSweep(part.sweep, spec.axisTokens);
  const mistakes: Unplaced[] = [...placeInSweep(sweep.mistakes), ...checkKnobs(part, spec)];
  for (const point of sweep.points) {
    checkParams(point, { workload: part, spec }, mistakes);
    if (point.topology !== undefined) checkTopology(point, mistakes);
  }
  return distinct(mistakes);
}

function placeInSweep(mistakes: readonly SweepMistake[]): readonly Unplaced[] {
  return mistakes.map((mistake) => ({ ...mistake, path: ['sweep', ...mistake.path] }));
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
  const sourceOf = (index: number): string => `${input.file}:${input.thresholdLine(index)}`;
  const judging = thresholdsOfCell({ thresholds: workload.thresholds, sourceOf }, point);
  const { thresholds } = judging;
  mistakes.push(...judging.mistakes);
  coverage.push(...checkCoverage(workload, { cellId: point.cellId, thresholds }));
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
  { workload, spec }: { readonly workload: FrameworkPart; readonly spec: FrameworkSpec },
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
function sweepPath(field: string, workload: FrameworkPart): readonly string[] {
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

function checkKnobs(workload: FrameworkPart, spec: FrameworkSpec): readonly Unplaced[] {
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

function distinct(mistakes: readonly Unplaced[]): readonly Unplaced[] {
  const byText = new Map(mistakes.map((mistake) => [JSON.stringify([mistake.path, mistake.message]), mistake]));
  return [...byText.values()];
}
