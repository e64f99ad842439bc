import { dirname } from 'node:path';
import type { SweepPoint } from './axis.ts';
import { mergeCells } from './cell-mistakes.ts';
import type { CellMistake } from './cell-mistakes.ts';
import type { Cell } from './cell.ts';
import { checkConstraints, checkOverridden, checkParams } from './check-params.ts';
import type { Frameworks } from './check-params.ts';
import { checkTopology, unusedTopology } from './check-topology.ts';
import { checkKnobs, checkWorkload } from './check-workload.ts';
import { checkCoverage, checkMetrics, checkVacuous } from './coverage.ts';
import type { Unplaced } from './issues.ts';
import type { FrameworkPart, Workload } from './schema.ts';
import { expandSweep } from './sweep.ts';
import { bracketsOf, cellTag, tagsOfConfig, topologyTag } from './tags.ts';
import type { Tag } from './tags.ts';
import { checkWhen, thresholdsByCell } from './thresholds-of-cell.ts';
import type { CellThresholds } from './thresholds-of-cell.ts';
import { topologyKind } from './topology.ts';
import type { YamlSource } from './yaml-source.ts';

/** What one config becomes: its cells, and everything that is wrong with it. */
export interface Expansion {
  readonly cells: readonly Cell[];
  /** Mistakes that stop the session. */
  readonly mistakes: readonly Unplaced[];
  /** Mistakes that do not, because the config only records (`enforce: false`). */
  readonly warnings: readonly Unplaced[];
}

/** A validated config, the framework it names, and where it came from. */
export interface ExpansionInput extends Frameworks {
  readonly workload: Workload;
  readonly source: YamlSource;
  /** Absolute path of the config file. */
  readonly absoluteFile: string;
}

/** Expands a config into its cells and checks each cell against its framework. */
export function expandWorkload(input: ExpansionInput): Expansion {
  const { workload, spec } = input;
  const { points, mistakes: ofSweep } = expandSweep(workload.sweep, spec.axisTokens);
  const shared = { ...input, tags: tagsOfConfig(workload), bracketOf: bracketsOf(workload), judge: judgeOf(input) };
  const resolved = points.map((point) => resolveCell(point, shared));
  const mistakes = mergeCells(
    [
      ...ofSweep.map(inSweep),
      ...checkKnobs(workload, spec),
      ...checkWorkload(workload, spec),
      ...checkOverridden(workload.params, points),
      ...unusedTopology(workload.topology, points),
      ...checkWhen(
        workload.thresholds,
        points.map(({ axes }) => axes),
      ),
      ...resolved.flatMap((one) => one.mistakes),
    ],
    points.length,
  );
  const gaps = mergeCells(
    [
      ...checkVacuous(workload.thresholds),
      ...checkMetrics(workload.thresholds, spec),
      ...resolved.flatMap((one) => one.gaps),
    ],
    points.length,
  );
  const cells = resolved.map(({ cell }) => cell);
  return workload.enforce
    ? { cells, mistakes: [...mistakes, ...gaps], warnings: [] }
    : { cells, mistakes, warnings: gaps };
}

/** Checks what a framework can say of a config whose other fields are still wrong. */
export function checkFrameworkPart(part: FrameworkPart, frameworks: Frameworks): readonly Unplaced[] {
  const { points, mistakes } = expandSweep(part.sweep, frameworks.spec.axisTokens);
  return mergeCells(
    [
      ...mistakes.map(inSweep),
      ...checkKnobs(part, frameworks.spec),
      ...checkOverridden(part.params, points),
      ...points.flatMap((point) => checkParams(point, part.params, frameworks).mistakes),
    ],
    points.length,
  );
}

function inSweep(mistake: Unplaced): Unplaced {
  return { ...mistake, path: ['sweep', ...mistake.path] };
}

interface ResolvedCell {
  readonly cell: Cell;
  readonly mistakes: readonly CellMistake[];
  /** What its thresholds leave unjudged, or judge in vain. */
  readonly gaps: readonly CellMistake[];
}

/** What all cells of a config have in common, made once. */
interface SharedByCells extends ExpansionInput {
  readonly tags: readonly Tag[];
  readonly bracketOf: (cellId: string) => string;
  readonly judge: (point: SweepPoint) => CellThresholds;
}

function resolveCell(point: SweepPoint, input: SharedByCells): ResolvedCell {
  const { workload, spec } = input;
  const params = checkParams(point, workload.params, input);
  const { topology, mistakes } = checkTopology(point, workload.topology, { spec, targetGpu: workload.target_gpu });
  const shape = { params: params.params, topology: topology ?? NO_ROLES };
  const isValid = params.isValid && topology !== null;
  const judging = input.judge(point);
  const kind = topologyKind(shape.topology, isValid ? spec.ranks(shape) : 1);
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
      tags: [...input.tags, topologyTag(kind), cellTag(point.cellId)],
      bracket: input.bracketOf(point.cellId),
    },
    mistakes: [
      ...params.mistakes,
      ...mistakes,
      ...(isValid ? checkConstraints(point, shape, spec) : []),
      ...judging.mistakes,
    ],
    gaps: checkCoverage(workload, { cellId: point.cellId, thresholds: judging.thresholds }, input),
  };
}

// Stands in a cell whose topology is a mistake; no such cell leaves the loader.
const NO_ROLES = { roles: {} };

function judgeOf({ workload, source }: ExpansionInput): SharedByCells['judge'] {
  const placed = workload.thresholds.map((threshold, index) => {
    const { file, line } = source.locate(['thresholds', index]);
    return { threshold, source: `${file}:${line}` };
  });
  return thresholdsByCell(placed);
}
