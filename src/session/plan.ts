import { resolve } from 'node:path';
import { globSync } from 'tinyglobby';
import { bindCell } from '../cluster/bind.ts';
import type { Binding } from '../cluster/bind.ts';
import { localPool } from '../cluster/pool.ts';
import type { Cell } from '../config/cell.ts';
import { identify } from '../config/identity.ts';
import type { Identity } from '../config/identity.ts';
import { loadConfigs } from '../config/load.ts';
import type { Problem } from '../config/problem.ts';
import { AssayError } from '../core/errors.ts';
import type { Framework } from '../lifecycle/adapter.ts';
import { patternCatalogue } from '../lifecycle/patterns.ts';
import { verdictEngineVersion } from '../verdicts/evaluate.ts';

/** Where a session finds its configs and leaves its evidence. */
export interface SessionOptions {
  /** Absolute folder that every other path is relative to. */
  readonly root: string;
  /** Globs of workload configs. */
  readonly configs: readonly string[];
  /** The artifact directory. */
  readonly artifacts: string;
}

/** A cell with the nodes it runs on, or the reason why it does not. */
export interface PlannedCell {
  readonly cell: Cell;
  readonly binding: Binding;
  readonly identity: Identity;
}

/** Everything a session would do, as plain data; nothing was launched to make it. */
export interface SessionPlan {
  readonly configFiles: readonly string[];
  readonly cells: readonly PlannedCell[];
  readonly warnings: readonly Problem[];
  /** Absolute. */
  readonly artifacts: string;
}

/**
 * Loads, expands and binds all configs of a session.
 *
 * @throws AssayError USAGE when no file matches, CONFIG_INVALID with every problem of every file.
 */
export function planSession(options: SessionOptions, frameworks: readonly Framework[]): SessionPlan {
  const { root, configs } = options;
  const configFiles = globSync([...configs], {
    cwd: root,
    ignore: ['**/node_modules/**'],
    expandDirectories: false,
  }).sort();
  if (configFiles.length === 0) {
    throw new AssayError('USAGE', `no config matches ${configs.join(', ')} in ${root}`, {
      hint: 'set `configs` in assay({ configs }) to the place of your YAML files',
    });
  }
  const specs = frameworks.map(({ spec }) => spec);
  const { cells, warnings } = loadConfigs(configFiles, { root, specs });
  return {
    configFiles,
    cells: cells.map((cell) => planCell(cell, frameworks)),
    warnings,
    artifacts: resolve(root, options.artifacts),
  };
}

function planCell(cell: Cell, frameworks: readonly Framework[]): PlannedCell {
  const binding = bindCell(cell.topology, localPool);
  const launchVersion = frameworks.find(({ spec }) => spec.name === cell.workload.framework)?.launchVersion ?? 0;
  const identity = identify(cell, {
    bindings: binding.state === 'bound' ? binding.hosts : {},
    launchVersion,
    verdictEngineVersion,
    patterns: patternCatalogue,
  });
  return { cell, binding, identity };
}
