import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { nearest } from '../core/nearest.ts';
import type { Cell } from './cell.ts';
import { expandWorkload } from './expand.ts';
import type { FrameworkSpec } from './framework.ts';
import { explainIssues, place } from './issues.ts';
import { configError } from './problem.ts';
import type { Problem } from './problem.ts';
import { workloadSchema } from './schema.ts';
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
  const cells = loaded.flatMap((one) => one.cells);
  problems.push(...clashes(cells));
  if (problems.length > 0) throw configError(problems, files.length);
  return { cells, warnings: loaded.flatMap((one) => one.warnings) };
}

interface LoadedConfig {
  readonly cells: readonly Cell[];
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

function loadConfig(
  file: string,
  { root, specs }: { readonly root: string; readonly specs: readonly FrameworkSpec[] },
): LoadedConfig {
  const absoluteFile = resolve(root, file);
  const source = parseYaml(file, readFileSync(absoluteFile, 'utf8'));
  if ('message' in source) return failed([source]);
  const parsed = workloadSchema.safeParse(source.value);
  if (!parsed.success) {
    return failed(explainIssues(workloadSchema, parsed.error, source.value).map((issue) => place(source, issue)));
  }
  const workload = parsed.data;
  const spec = specs.find((candidate) => candidate.name === workload.framework);
  if (spec === undefined) return failed([unknownFramework(source, { name: workload.framework, specs })]);
  const thresholdLine = (index: number): number => source.locate(['thresholds', index]).line;
  const expansion = expandWorkload({ workload, spec, file, absoluteFile, thresholdLine });
  return {
    cells: expansion.cells,
    problems: expansion.mistakes.map((mistake) => place(source, mistake)),
    warnings: expansion.warnings.map((mistake) => place(source, mistake)),
  };
}

function failed(problems: readonly Problem[]): LoadedConfig {
  return { cells: [], problems, warnings: [] };
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

// Two configs may not share a test id (their runs would mix) nor a claim name.
function clashes(cells: readonly Cell[]): readonly Problem[] {
  const owners = new Map<string, Cell>();
  return cells.flatMap((cell) => {
    const rival = owners.get(cell.bracket) ?? owners.get(cell.key);
    owners.set(cell.bracket, cell).set(cell.key, cell);
    if (rival === undefined) return [];
    const sameId = rival.key === cell.key;
    return [
      {
        file: cell.configFile,
        line: 1,
        column: 1,
        path: sameId ? 'test_id' : 'id_knobs',
        message: `${sameId ? cell.key : cell.bracket} is also a cell of ${rival.configFile}`,
        hint: sameId ? 'give the config its own test_id' : 'add the knob that differs to `id_knobs:`',
      },
    ];
  });
}
