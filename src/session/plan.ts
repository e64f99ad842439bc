import { resolve } from 'node:path';
import { bindCell } from '../cluster/bind.ts';
import type { Binding } from '../cluster/bind.ts';
import { readPool } from '../cluster/pool-file.ts';
import { localPool } from '../cluster/pool.ts';
import type { Pool } from '../cluster/pool.ts';
import type { Cell } from '../config/cell.ts';
import { identify } from '../config/identity.ts';
import type { Identity, IdentityInputs } from '../config/identity.ts';
import { loadConfigs } from '../config/load.ts';
import { onlyCells } from '../config/only-cells.ts';
import type { Override } from '../config/override.ts';
import { configError } from '../config/yaml/problem.ts';
import type { Problem } from '../config/yaml/problem.ts';
import { isThresholdsFile } from '../config/thresholds-file.ts';
import type { Framework } from '../lifecycle/adapter.ts';
import { patternCatalogue } from '../lifecycle/patterns.ts';
import { verdictEngineVersion } from '../verdicts/evaluate.ts';
import { findConfigs } from './config-files.ts';
import type { ConfigPatterns } from './config-files.ts';
import { namedFilesOn } from './model-files.ts';
import type { FilesOfCell } from './model-files.ts';
import { preflight } from './preflight.ts';
import { skipOf } from './skip.ts';
import type { Skip } from './skip.ts';

/** Where a session finds its configs and leaves its evidence, and what it changes for once. */
export interface SessionOptions extends ConfigPatterns {
  /** The cluster file; null for this machine alone. */
  readonly cluster: string | null;
  /** Values given on the command line instead of those in the configs. */
  readonly overrides: readonly Override[];
  /** Patterns of the cells to keep; empty keeps all. */
  readonly onlyCells: readonly string[];
}

/** A cell with the nodes it runs on, or the reason why it does not. */
export interface PlannedCell {
  readonly cell: Cell;
  readonly binding: Binding;
  /** What the identity was made of, besides the cell. */
  readonly inputs: IdentityInputs;
  readonly identity: Identity;
  /** Why the cell does not run here; null when it does. */
  readonly skip: Skip | null;
}

/** Everything a session would do, as plain data; nothing was launched to make it. */
export interface SessionPlan {
  readonly configFiles: readonly string[];
  readonly pool: Pool;
  readonly cells: readonly PlannedCell[];
  readonly warnings: readonly Problem[];
  /** Absolute. */
  readonly artifacts: string;
}

/**
 * Loads, expands and binds all configs of a session. `filesOf` says where the files lie that the configs of a
 * folder name, if not there.
 *
 * @throws AssayError USAGE when no file matches or a path has none, CONFIG_INVALID with every problem of every file,
 *   SELECTION_INVALID when `onlyCells` names a cell that is not there.
 */
export function planSession(
  options: SessionOptions,
  frameworks: readonly Framework[],
  filesOf: (configFolder: string) => string = (configFolder) => configFolder,
): SessionPlan {
  const { root, overrides, cluster } = options;
  const { files: configFiles, ...found } = findConfigs(options);
  const specs = frameworks.map(({ spec }) => spec);
  const broken = new Set(found.problems.map(({ file }) => file));
  const readable = configFiles.filter((file) => !broken.has(file));
  const loaded = loadConfigs(readable, { root, specs, overrides, env: process.env });
  const { pool, problems } = cluster === null ? { pool: localPool, problems: [] } : readPool(cluster, root);
  const all = [...found.problems, ...loaded.problems, ...problems];
  if (pool === null || all.length > 0) throw configError(all, configFiles.length + (cluster === null ? 0 : 1));
  const launchOf = launches({ pool, frameworks, filesOf: namedFilesOn(pool, filesOf) });
  const cells = onlyCells(loaded.cells, options.onlyCells).map((cell) => planCell(cell, launchOf(cell)));
  const doubts = preflight({ configs: loaded.configs, cells, pool, specs, filesOf });
  return {
    configFiles: configFiles.filter((file) => !isThresholdsFile(file)),
    pool,
    cells,
    warnings: [...found.warnings, ...loaded.warnings, ...doubts],
    artifacts: resolve(root, options.artifacts),
  };
}

interface Surroundings {
  readonly pool: Pool;
  readonly frameworks: readonly Framework[];
  readonly filesOf: FilesOfCell;
}

/** What cells of one config on one topology have in common. */
type Launch = Pick<PlannedCell, 'binding' | 'inputs' | 'skip'>;

/** How a cell is launched, looked up once for all cells that are launched alike. */
function launches(surroundings: Surroundings): (cell: Cell) => Launch {
  const known = new Map<Cell['workload'], Map<Cell['topology'], Launch>>();
  return (cell) => {
    const ofWorkload = known.get(cell.workload) ?? new Map<Cell['topology'], Launch>();
    known.set(cell.workload, ofWorkload);
    const launch = ofWorkload.get(cell.topology) ?? planLaunch(cell, surroundings);
    ofWorkload.set(cell.topology, launch);
    return launch;
  };
}

function planLaunch(cell: Cell, { pool, frameworks, filesOf }: Surroundings): Launch {
  const framework = frameworks.find(({ spec }) => spec.name === cell.workload.framework);
  const binding = bindCell(cell.topology, pool);
  const inputs: IdentityInputs = {
    bindings: binding.state === 'bound' ? binding.hosts : {},
    launchVersion: framework?.launchVersion ?? 0,
    engine: framework?.engine?.(cell.workload) ?? null,
    imageDigest: null,
    files: filesOf(cell),
    verdictEngineVersion,
    patterns: patternCatalogue,
  };
  return { binding, inputs, skip: skipOf({ cell, binding, framework }) };
}

function planCell(cell: Cell, { binding, inputs, skip }: Launch): PlannedCell {
  return { cell, binding, inputs, identity: identify(cell, inputs), skip };
}

/** A planned cell as it is once the digest of its image is known; null leaves its identity pending. */
export function withImage(planned: PlannedCell, imageDigest: string | null): PlannedCell {
  const inputs = { ...planned.inputs, imageDigest };
  return { ...planned, inputs, identity: identify(planned.cell, inputs) };
}
