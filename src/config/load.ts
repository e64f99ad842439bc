import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { nearest } from '../core/nearest.ts';
import type { Cell } from './cell.ts';
import { findClashes } from './clashes.ts';
import type { CellsOfConfig } from './clashes.ts';
import { checkFrameworkPart, expandWorkload } from './expand.ts';
import type { FrameworkSpec } from './framework.ts';
import { explainIssues, place } from './issues.ts';
import type { Unplaced } from './issues.ts';
import { readConfig } from './read-config.ts';
import type { ReadOptions } from './read-config.ts';
import type { Problem } from './problem.ts';
import { frameworkPartSchema, workloadSchema } from './schema.ts';
import { configOfThresholds, isThresholdsFile } from './thresholds-file.ts';
import type { YamlSource } from './yaml-source.ts';

/** Every cell of the loaded configs, in file order, and everything that is wrong with them. */
export interface LoadedConfigs {
  readonly cells: readonly Cell[];
  /** What stops a session. */
  readonly problems: readonly Problem[];
  /** What does not: gaps in configs that only record. */
  readonly warnings: readonly Problem[];
}

/** What loading depends on besides the files. */
export interface LoadOptions extends ReadOptions {
  readonly specs: readonly FrameworkSpec[];
}

/** Loads config files and expands them into cells. Never throws for what a file says: that is a problem. */
export function loadConfigs(files: readonly string[], options: LoadOptions): LoadedConfigs {
  const orphans = files.filter(
    (file) => isThresholdsFile(file) && !existsSync(resolve(options.root, configOfThresholds(file))),
  );
  const loaded = files.filter((file) => !isThresholdsFile(file)).map((file) => loadConfig(file, options));
  const configs = loaded.flatMap((one) => one.config ?? []);
  return {
    cells: configs.flatMap((config) => config.cells),
    problems: [...orphans.map(describeOrphan), ...loaded.flatMap((one) => one.problems), ...findClashes(configs)],
    warnings: loaded.flatMap((one) => one.warnings),
  };
}

interface LoadedConfig {
  /** Null when the file is too broken to have cells. */
  readonly config: CellsOfConfig | null;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

function loadConfig(file: string, options: LoadOptions): LoadedConfig {
  const { source, problems } = readConfig(file, options);
  if (source === null) return { config: null, problems, warnings: [] };
  const checked = checkSource(source, options);
  // A value that could not even be read is one problem, whatever its field makes of it.
  const known = new Set(problems.map(keyOf));
  return { ...checked, problems: [...problems, ...checked.problems.filter((problem) => !known.has(keyOf(problem)))] };
}

function keyOf({ file, path }: Problem): string {
  return `${file} ${path}`;
}

function checkSource(source: YamlSource, { root, specs }: LoadOptions): LoadedConfig {
  const toProblems = (mistakes: readonly Unplaced[]): readonly Problem[] =>
    mistakes.map((mistake) => place(source, mistake));
  const parsed = workloadSchema.safeParse(source.value);
  if (!parsed.success) {
    const issues = explainIssues(workloadSchema, parsed.error, source.value);
    return { config: null, problems: toProblems([...issues, ...checkRest(source, specs)]), warnings: [] };
  }
  const workload = parsed.data;
  const spec = specs.find((candidate) => candidate.name === workload.framework);
  if (spec === undefined) {
    return { config: null, problems: toProblems([unknownFramework(workload.framework, specs)]), warnings: [] };
  }
  const absoluteFile = resolve(root, source.file);
  const expansion = expandWorkload({ workload, spec, all: specs, source, absoluteFile });
  return {
    config: { source, workload, cells: expansion.cells },
    problems: toProblems(expansion.mistakes),
    warnings: toProblems(expansion.warnings),
  };
}

// A mistake elsewhere in the file does not hide those that the framework would find.
function checkRest({ value }: YamlSource, specs: readonly FrameworkSpec[]): readonly Unplaced[] {
  const part = frameworkPartSchema.safeParse(value);
  if (!part.success) return [];
  const spec = specs.find((candidate) => candidate.name === part.data.framework);
  if (spec === undefined) return [unknownFramework(part.data.framework, specs)];
  return checkFrameworkPart(part.data, { spec, all: specs });
}

function unknownFramework(name: string, specs: readonly FrameworkSpec[]): Unplaced {
  const names = specs.map((spec) => spec.name);
  const meant = nearest(name, names);
  return {
    path: ['framework'],
    message: `"${name}" has no adapter`,
    hint: meant === null ? `use one of ${names.join(', ')}` : `did you mean \`${meant}\`?`,
  };
}

function describeOrphan(file: string): Problem {
  const message = `no config ${configOfThresholds(file)} beside it`;
  return { file, line: 1, column: 1, path: '', message, hint: 'rename it after its config, or remove it' };
}
