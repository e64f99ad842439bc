import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { nearest } from '../core/nearest.ts';
import type { Cell } from './cell.ts';
import { findClashes } from './clashes.ts';
import type { CellsOfConfig } from './clashes.ts';
import { checkFrameworkPart, expandWorkload } from './expand.ts';
import type { FrameworkSpec } from './framework.ts';
import { explainIssues, place } from './issues.ts';
import { configError } from './problem.ts';
import type { Problem } from './problem.ts';
import { frameworkPartSchema, workloadSchema } from './schema.ts';
import { parseYaml } from './yaml-source.ts';
import type { YamlSource } from './yaml-source.ts';

/** Every cell of the loaded configs, in file order, and the problems that do not stop a session. */
export interface LoadedConfigs {
  readonly cells: readonly Cell[];
  readonly warnings: readonly Problem[];
}

/**
 * Loads config files and expands them into cells.
 *
 * @throws AssayError CONFIG_INVALID with all problems of all files at once.
 */
export function loadConfigs(
  files: readonly string[],
  { root, specs }: { readonly root: string; readonly specs: readonly FrameworkSpec[] },
): LoadedConfigs {
  const loaded = files.map((file) => loadConfig(file, { root, specs }));
  const problems = loaded.flatMap((one) => one.problems);
  const configs = loaded.flatMap((one) => one.config ?? []);
  problems.push(...findClashes(configs));
  if (problems.length > 0) throw configError(problems, files.length);
  return { cells: configs.flatMap((config) => config.cells), warnings: loaded.flatMap((one) => one.warnings) };
}

interface LoadedConfig {
  /** Null when the file is too broken to have cells. */
  readonly config: CellsOfConfig | null;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

function loadConfig(
  file: string,
  { root, specs }: { readonly root: string; readonly specs: readonly FrameworkSpec[] },
): LoadedConfig {
  const absoluteFile = resolve(root, file);
  const { source, problems } = parseYaml(file, readFileSync(absoluteFile, 'utf8'));
  if (source === null) return failed(problems);
  const parsed = workloadSchema.safeParse(source.value);
  if (!parsed.success) {
    const issues = explainIssues(workloadSchema, parsed.error, source.value).map((issue) => place(source, issue));
    return failed([...issues, ...checkRest(source, specs)]);
  }
  const workload = parsed.data;
  const spec = specs.find((candidate) => candidate.name === workload.framework);
  if (spec === undefined) return failed([unknownFramework(source, { name: workload.framework, specs })]);
  const thresholdLine = (index: number): number => source.locate(['thresholds', index]).line;
  const expansion = expandWorkload({ workload, spec, file, absoluteFile, thresholdLine });
  return {
    config: { source, workload, cells: expansion.cells },
    problems: expansion.mistakes.map((mistake) => place(source, mistake)),
    warnings: expansion.warnings.map((mistake) => place(source, mistake)),
  };
}

// A mistake elsewhere in the file does not hide those that the framework would find.
function checkRest(source: YamlSource, specs: readonly FrameworkSpec[]): readonly Problem[] {
  const part = frameworkPartSchema.safeParse(source.value);
  if (!part.success) return [];
  const spec = specs.find((candidate) => candidate.name === part.data.framework);
  if (spec === undefined) return [unknownFramework(source, { name: part.data.framework, specs })];
  return checkFrameworkPart(part.data, spec).map((mistake) => place(source, mistake));
}

function failed(problems: readonly Problem[]): LoadedConfig {
  return { config: null, problems, warnings: [] };
}

function unknownFramework(
  source: YamlSource,
  { name, specs }: { readonly name: string; readonly specs: readonly FrameworkSpec[] },
): Problem {
  const names = specs.map((spec) => spec.name);
  const meant = nearest(name, names);
  return place(source, {
    path: ['framework'],
    message: `"${name}" has no adapter`,
    hint: meant === null ? `use one of ${names.join(', ')}` : `did you mean \`${meant}\`?`,
  });
}
