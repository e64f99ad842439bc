import { resolve } from 'node:path';
import { nearest } from '../core/nearest.ts';
import type { Cell } from './cell.ts';
import { findClashes } from './checks/clashes.ts';
import type { CellsOfConfig } from './checks/clashes.ts';
import { checkRoles } from './checks/check-topology.ts';
import { expandWorkload } from './expand.ts';
import type { ExpansionInput } from './expand.ts';
import type { FrameworkSpec } from './schema/framework.ts';
import { explainIssues, place } from './issues/issues.ts';
import type { Unplaced } from './issues/issues.ts';
import { readConfig } from './read-config.ts';
import type { ReadOptions } from './read-config.ts';
import type { Problem } from './yaml/problem.ts';
import { salvage } from './checks/salvage.ts';
import { fieldNames, valueAt } from './issues/schema-lookup.ts';
import { listOf } from './issues/schema-words.ts';
import { workloadSchema } from './schema/schema.ts';
import { show } from './issues/show.ts';
import { findSection } from './checks/stray-fields.ts';
import { configOfThresholds, isThresholdsFile, thresholdsOfConfig } from './thresholds-file.ts';
import { topologySchema } from './schema/topology.ts';
import type { YamlSource } from './yaml/yaml-source.ts';

/** Every cell of the loaded configs, in file order, and everything that is wrong with them. */
export interface LoadedConfigs {
  readonly cells: readonly Cell[];
  /** The configs that the cells are of, each with the file that places what is found out about it later. */
  readonly configs: readonly CellsOfConfig[];
  /** What stops a session. */
  readonly problems: readonly Problem[];
  /** What does not: doubts, and gaps in configs that only record. */
  readonly warnings: readonly Problem[];
}

/** What loading depends on besides the files. */
export interface LoadOptions extends ReadOptions {
  readonly specs: readonly FrameworkSpec[];
}

/** Loads config files and expands them into cells. Never throws for what a file says: that is a problem. */
export function loadConfigs(files: readonly string[], options: LoadOptions): LoadedConfigs {
  const orphans = files.filter((file) => isThresholdsFile(file) && !configOfThresholds(file, options.root).isThere);
  const loaded = files.filter((file) => !isThresholdsFile(file)).map((file) => loadConfig(file, options));
  const configs = loaded.flatMap((one) => one.config ?? []);
  return {
    cells: configs.flatMap((config) => config.cells),
    configs,
    problems: [
      ...orphans.map((file) => describeOrphan(file, files, options.root)),
      ...loaded.flatMap((one) => one.problems),
      ...findClashes(configs),
    ],
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
  const { source, problems, lost } = readConfig(file, options);
  if (source === null) return { config: null, problems, warnings: [] };
  const checked = checkSource(source, options, lost);
  // A value that could not even be read is one problem, whatever its field makes of it.
  const known = new Set(problems.map(keyOf));
  return { ...checked, problems: [...problems, ...checked.problems.filter((problem) => !known.has(keyOf(problem)))] };
}

function keyOf({ file, path }: Problem): string {
  return `${file} ${path}`;
}

function checkSource(source: YamlSource, options: LoadOptions, lost: readonly string[]): LoadedConfig {
  const { root, specs, overrides } = options;
  const parsed = workloadSchema.safeParse(source.value);
  const { spec, mistakes: ofFramework } = findFramework(source.value, specs);
  const issues = parsed.success ? [] : explainIssues(workloadSchema, parsed.error, source.value);
  const ofFields = [...ofFramework, ...relocate(issues, spec, source.value)];
  const problems = ofFields.map((mistake) => place(source, mistake));
  if (spec === null) return { config: null, problems, warnings: [] };
  const isSweptAnew = overrides.some(({ path }) => path[0] === 'sweep');
  const shared = { spec, all: specs, absoluteFile: resolve(root, source.file), isSweptAnew };
  if (!parsed.success || problems.length > 0 || lost.length > 0) {
    return { config: null, problems: [...problems, ...checkRest(source, shared, lost)], warnings: [] };
  }
  const { cells, mistakes, warnings } = expandWorkload({ ...shared, workload: parsed.data, source });
  return {
    config: { source, workload: parsed.data, cells },
    problems: mistakes.map((mistake) => place(source, mistake)),
    warnings: warnings.map((warning) => place(source, warning)),
  };
}

// A mistake in one field does not hide those in the others.
function checkRest(
  source: YamlSource,
  shared: Omit<ExpansionInput, 'workload' | 'source'>,
  lost: readonly string[],
): readonly Problem[] {
  const { isOwn, ...salvaged } = salvage(source, shared.spec, lost);
  const { mistakes } = expandWorkload({ ...shared, ...salvaged });
  const topology = valueAt(source.value, ['topology']);
  const ofRoles = topologySchema.safeParse(topology).success
    ? []
    : checkRoles(topology, ['topology'], { spec: shared.spec, targetGpu: null });
  return [...mistakes.filter(isOwn), ...ofRoles].map((mistake) => place(salvaged.source, mistake));
}

/** The framework of a config, also when it is misspelt; null when there is none to be found. */
function findFramework(
  config: unknown,
  specs: readonly FrameworkSpec[],
): { readonly spec: FrameworkSpec | null; readonly mistakes: readonly Unplaced[] } {
  const name = valueAt(config, ['framework']);
  if (typeof name !== 'string') return { spec: null, mistakes: [] };
  const names = specs.map((spec) => spec.name);
  const meant = names.includes(name) ? name : nearest(name, names);
  const spec = specs.find((candidate) => candidate.name === meant) ?? null;
  if (meant === name) return { spec, mistakes: [] };
  const hint = meant === null ? `use ${listOf(names, 'or')}` : `did you mean \`${meant}\`?`;
  return { spec, mistakes: [{ path: ['framework'], message: `there is no framework ${show(name)}`, hint }] };
}

/** Says of params and knobs at the left margin, and of roles outside of `roles:`, where they belong. */
function relocate(issues: readonly Unplaced[], spec: FrameworkSpec | null, config: unknown): readonly Unplaced[] {
  if (spec === null) return issues;
  const roles: readonly unknown[] = [...spec.roles.required, ...spec.roles.optional];
  const isRole = ({ path: [section, name], path }: Unplaced): boolean =>
    section === 'topology' && path.length === 2 && roles.includes(name);
  const hasRoles = issues.some(isRole);
  const orphans = new Map(issues.flatMap((issue) => emptyParentOf(issue, config) ?? []));
  const parents = new Set(orphans.values());
  const told = issues.filter(({ path }) => path.length !== 1 || !parents.has(String(path[0])));
  return told.flatMap((issue) => {
    const { path } = issue;
    const parent = orphans.get(issue);
    if (parent !== undefined) {
      return [{ path, message: `belongs to ${parent}`, hint: 'indent it by two spaces' }];
    }
    if (isFieldInSweep(issue)) {
      return [{ path, message: 'is a field of the config, not an axis', hint: 'take the spaces before it away' }];
    }
    if (isRole(issue)) return [{ ...issue, message: 'is a role', hint: 'move it under `roles:`' }];
    if (hasRoles && path.join('.') === 'topology.roles') return [];
    const section = path.length === 1 ? findSection(String(path[0]), spec) : null;
    return section === null ? [issue] : [{ ...issue, hint: `move it under \`${section}:\`` }];
  });
}

function isFieldInSweep({ path: [section, name = ''], path }: Unplaced): boolean {
  return section === 'sweep' && path.length === 2 && Object.hasOwn(workloadSchema.shape, name);
}

/** A field at the left margin that the empty field above it lacks, with that field's name; null for any other. */
function emptyParentOf(issue: Unplaced, config: unknown): readonly [readonly [Unplaced, string]] | null {
  const [name] = issue.path;
  const { shape } = workloadSchema;
  if (issue.path.length !== 1 || typeof name !== 'string' || Object.hasOwn(shape, name)) return null;
  const parent = Object.entries(shape).find(
    ([field, schema]) => valueAt(config, [field]) === null && fieldNames(schema, null).includes(name),
  );
  return parent === undefined ? null : [[issue, parent[0]]];
}

function describeOrphan(file: string, files: readonly string[], root: string): Problem {
  const { config } = configOfThresholds(file, root);
  const names = files.filter((other) => !isThresholdsFile(other)).map(thresholdsOfConfig);
  const meant = nearest(
    file,
    names.filter((name) => !files.includes(name)),
  );
  const hint = meant === null ? 'rename it after its config, or remove it' : `rename it to ${meant}`;
  return { file, line: 1, column: 1, path: '', message: `there is no config ${config} beside it`, hint };
}
