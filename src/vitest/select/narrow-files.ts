import { isAbsolute, relative } from 'node:path';
import { escapePath, glob as search } from 'tinyglobby';
import type { TestProject } from 'vitest/node';

/** The suite files of a project, and those of them that hold a selected claim, as they are when somebody asks. */
interface SuiteFiles {
  readonly suiteFiles: () => readonly string[];
  readonly selectedFiles: () => readonly string[];
}

/**
 * Makes a project run exactly the suite files that hold a selected claim, beside
 * the user's own tests. `globTestFiles` is public, replacing it is not: this is
 * the one place where we do.
 */
export function narrowTestFiles(project: TestProject, { suiteFiles, selectedFiles }: SuiteFiles): void {
  const glob = project.globTestFiles.bind(project);
  project.globTestFiles = async (filters = []) => {
    const found = await glob(filters);
    const suites = new Set(suiteFiles());
    const own = found.testFiles.filter((file) => !suites.has(file));
    const folder = project.config.dir ?? project.config.root;
    const { enabled, only } = project.config.typecheck;
    const wanted = enabled && only ? [] : selectedFiles();
    const ours = wanted.filter((file) => passesFileFilters({ file, folder, filters }));
    const kept = await without(ours, { folder, excluded: project.vitest.config.cliExclude ?? [] });
    return { ...found, testFiles: [...own, ...kept] };
  };
}

interface Excluding {
  readonly folder: string;
  /** Globs. */
  readonly excluded: readonly string[];
}

/** What `--exclude` leaves. Unlike `exclude` of a config it was typed for this session, suites or not. */
async function without(files: readonly string[], { folder, excluded }: Excluding): Promise<readonly string[]> {
  // The suites of the package are in there, and were asked for all the same.
  const ignore = excluded.filter((one) => !one.includes('node_modules'));
  if (ignore.length === 0 || files.length === 0) return files;
  const patterns = files.map((file) => escapePath(file));
  const left = new Set(
    await search(patterns, { cwd: folder, ignore, absolute: true, dot: true, expandDirectories: false }),
  );
  return files.filter((file) => left.has(file));
}

interface Filtered {
  readonly file: string;
  readonly folder: string;
  readonly filters: readonly string[];
}

/** As Vitest does: a filter is a part of the path, as typed or seen from the folder, or begins the whole path. */
function passesFileFilters({ file, folder, filters }: Filtered): boolean {
  const path = relative(folder, file).toLowerCase();
  const isIn = (part: string): boolean => path.includes(part.toLowerCase());
  return (
    filters.length === 0 ||
    filters.some((filter) => {
      const end = filter.endsWith('/') ? '/' : '';
      return (isAbsolute(filter) && file.startsWith(filter)) || isIn(filter) || isIn(relative(folder, filter) + end);
    })
  );
}
