import { dirname } from 'node:path';
import type { SweepPoint } from './axis.ts';
import { mergeCells, mergeValues } from './checks/cell-mistakes.ts';
import type { CellMistake } from './checks/cell-mistakes.ts';
import type { Cell } from './cell.ts';
import { checkAxes } from './checks/check-axes.ts';
import { checkConstraints, checkOverridden, checkParams } from './checks/check-params.ts';
import { checkFloors, checkLeasts } from './checks/check-direction.ts';
import { checkPercentiles } from './checks/check-percentiles.ts';
import { topologyCheck, unusedTopology } from './checks/check-topology.ts';
import { checkKnobs, checkWorkload } from './checks/check-workload.ts';
import { checkMetrics, checkVacuous, coverageCheck } from './checks/coverage.ts';
import type { Frameworks } from './schema/framework.ts';
import type { Unplaced } from './issues/issues.ts';
import type { Workload } from './schema/schema.ts';
import { replaceAxes } from './checks/misplaced-axes.ts';
import { expandSweep } from './sweep.ts';
import { bracketsOf, cellTag, tagsOfConfig, topologyTag } from './tags.ts';
import type { Tag } from './tags.ts';
import { checkOutranked, checkWhen, thresholdsByCell } from './thresholds-of-cell.ts';
import type { CellPredicate, CellThresholds } from './thresholds-of-cell.ts';
import { topologyKind } from './schema/topology.ts';
import type { TopologyKind } from './schema/topology.ts';
import type { PathStep, YamlSource } from './yaml/yaml-source.ts';

/** What one config becomes: its cells, and everything that is wrong with it. */
export interface Expansion {
  readonly cells: readonly Cell[];
  /** Mistakes that stop the session. */
  readonly mistakes: readonly Unplaced[];
  /** What does not: doubts, and the gaps of a config that only records (`enforce: false`). */
  readonly warnings: readonly Unplaced[];
}

/** A validated config, the framework it names, and where it came from. */
export interface ExpansionInput extends Frameworks {
  readonly workload: Workload;
  readonly source: YamlSource;
  /** Absolute path of the config file. */
  readonly absoluteFile: string;
  /** Whether `target_gpu` is the config's own. */
  readonly isGpuKnown?: boolean;
  /** Whether the command line sets axes: what selects cells was written for others, and may find none. */
  readonly isSweptAnew?: boolean;
}

/** Expands a config into its cells and checks each cell against its framework. */
export function expandWorkload(input: ExpansionInput): Expansion {
  const { workload, mistakes, isOwn } = replaceAxes(input.workload, input.spec);
  if (mistakes.length === 0) return expandAxes(input);
  const expansion = expandAxes({ ...input, workload });
  return {
    cells: expansion.cells,
    mistakes: [...mistakes, ...expansion.mistakes.filter(isOwn)],
    warnings: expansion.warnings.filter(isOwn),
  };
}

function expandAxes(input: ExpansionInput): Expansion {
  const { workload, spec, isSweptAnew = false } = input;
  const sweep = expandSweep(workload.sweep, spec.axisTokens);
  const { points } = sweep;
  const ofSweep = isSweptAnew ? sweep.mistakes.filter((mistake) => !isIdleFilter(mistake)) : sweep.mistakes;
  const shared = sharedByCells(input);
  const resolved = points.map((point) => resolveCell(point, shared));
  const ofParams = resolved.flatMap((one) => one.ofParams);
  // What selects cells by an axis that is wrong finds none, and is not to blame.
  const canSelect = !ofParams.some(({ path }) => path[0] === 'sweep');
  const mustSelect = canSelect && !isSweptAnew;
  const isJudged = canSelect || workload.thresholds.every(({ when }) => when === undefined);
  const axes = points.map((point) => point.axes);
  const mistakes = mergeCells(
    [
      ...withoutEchoes(ofSweep.map(inSweep), ofParams),
      ...checkAxes(workload.sweep, spec),
      ...checkKnobs(workload, spec),
      ...checkWorkload(workload, spec),
      ...checkPercentiles(workload.thresholds, spec),
      ...checkLeasts(workload.thresholds),
      ...checkOverridden(workload.params, points),
      ...unusedTopology(workload.topology, points),
      ...(mustSelect ? checkWhen(workload.thresholds, axes) : []),
      ...mergeValues(ofParams, workload.sweep),
      ...resolved.flatMap((one) => one.mistakes),
    ],
    points.length,
  );
  const gaps = mergeCells(
    [
      ...checkVacuous(workload.thresholds),
      ...(mustSelect ? checkOutranked(workload.thresholds, axes) : []),
      ...checkMetrics(workload.thresholds, spec),
      ...(isJudged ? resolved.flatMap((one) => one.gaps) : []),
    ],
    points.length,
  );
  const cells = resolved.map(({ cell }) => cell);
  const doubts = checkFloors(workload.thresholds);
  return workload.enforce
    ? { cells, mistakes: [...mistakes, ...gaps], warnings: doubts }
    : { cells, mistakes, warnings: [...gaps, ...doubts] };
}

// `exclude[1]` as a whole: a mistake inside has a longer path.
function isIdleFilter({ path }: Unplaced): boolean {
  return path.length === 2 && (path[0] === 'exclude' || path[0] === 'include');
}

function inSweep(mistake: Unplaced): Unplaced {
  return { ...mistake, path: ['sweep', ...mistake.path] };
}

// A value that its field refuses need not be fit for the name of a cell besides, nor match a filter.
function withoutEchoes(ofSweep: readonly Unplaced[], ofParams: readonly CellMistake[]): readonly Unplaced[] {
  const refused = ofParams.filter(({ path }) => path[0] === 'sweep').map(({ path }) => JSON.stringify(path));
  const isFilter = ({ path: [, name] }: Unplaced): boolean => name === 'exclude' || name === 'include';
  return ofSweep.filter(
    (mistake) => !refused.includes(JSON.stringify(mistake.path)) && (refused.length === 0 || !isFilter(mistake)),
  );
}

interface ResolvedCell {
  readonly cell: Cell;
  readonly ofParams: readonly CellMistake[];
  readonly mistakes: readonly CellMistake[];
  /** What its thresholds leave unjudged, or judge in vain. */
  readonly gaps: readonly CellMistake[];
}

/** What all cells of a config have in common, made once. */
interface SharedByCells extends ExpansionInput {
  /** The tags of cells with a topology of some kind, but for their own. */
  readonly tagsOf: (kind: TopologyKind) => readonly Tag[];
  readonly bracketOf: (cellId: string) => string;
  readonly topologyOf: ReturnType<typeof topologyCheck>;
  readonly judge: (point: SweepPoint & { readonly topologyKind: TopologyKind }) => CellThresholds;
  readonly gapsOf: ReturnType<typeof coverageCheck>;
}

function sharedByCells(input: ExpansionInput): SharedByCells {
  const { workload, spec, isGpuKnown = true } = input;
  return {
    ...input,
    tagsOf: tagsByKind(workload),
    bracketOf: bracketsOf(workload),
    topologyOf: topologyCheck(workload.topology, { spec, targetGpu: isGpuKnown ? workload.target_gpu : null }),
    judge: judgeOf(input),
    gapsOf: coverageCheck(workload, input),
  };
}

function tagsByKind(workload: Workload): SharedByCells['tagsOf'] {
  const ofConfig = tagsOfConfig(workload);
  const known = new Map<TopologyKind, readonly Tag[]>();
  return (kind) => {
    const tags = known.get(kind) ?? [...ofConfig, topologyTag(kind)];
    known.set(kind, tags);
    return tags;
  };
}

function resolveCell(point: SweepPoint, input: SharedByCells): ResolvedCell {
  const { workload, spec } = input;
  const params = checkParams(point, workload, input);
  const { topology, mistakes } = input.topologyOf(point);
  const shape = { params: params.params, topology: topology ?? NO_ROLES };
  const isValid = params.isValid && topology !== null;
  const kind = topologyKind(shape.topology, isValid ? spec.ranks(shape) : 1);
  const judging = input.judge({ ...point, topologyKind: kind });
  return {
    cell: {
      key: `${workload.test_id}/${point.cellId}`,
      cellId: point.cellId,
      configFile: input.source.file,
      configFolder: dirname(input.absoluteFile),
      workload,
      axes: point.axes,
      ...shape,
      topologyKind: kind,
      thresholds: judging.thresholds,
      tags: [...input.tagsOf(kind), cellTag(point.cellId)],
      bracket: input.bracketOf(point.cellId),
    },
    ofParams: params.mistakes,
    mistakes: [...mistakes, ...(isValid ? checkConstraints(point, shape, spec) : []), ...judging.mistakes],
    gaps: input.gapsOf(point.cellId, judging.thresholds),
  };
}

// Stands in a cell whose topology is a mistake; no such cell leaves the loader.
const NO_ROLES = { roles: {} };

function judgeOf(input: ExpansionInput): SharedByCells['judge'] {
  const { workload, source } = input;
  const written = workload.thresholds.map((threshold, index) => ({
    threshold,
    source: placeOf(source, ['thresholds', index]),
  }));
  return thresholdsByCell({ written, predicates: predicatesOf(input) });
}

/** The predicates that a config asks for, in the order of its benchmarks. */
function predicatesOf({ workload, spec, source }: ExpansionInput): readonly CellPredicate[] {
  return workload.benchmarks.flatMap((benchmark, index) => {
    const predicate = spec.predicates.find((name) => name === benchmark);
    if (predicate === undefined) return [];
    return [{ threshold: { kind: 'Predicate', predicate }, source: placeOf(source, ['benchmarks', index]) }];
  });
}

function placeOf(source: YamlSource, path: readonly PathStep[]): string {
  const { file, line } = source.locate(path);
  return `${file}:${line}`;
}
