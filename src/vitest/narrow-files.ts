import { relative } from 'node:path';
import type { TestProject } from 'vitest/node';

/**
 * Makes a project run exactly the suite files that hold a selected claim, beside
 * the user's own tests. `globTestFiles` is public, replacing it is not: this is
 * the one place where we do.
 */
export function narrowTestFiles(
  project: TestProject,
  { suiteFiles, selectedFiles }: { readonly suiteFiles: readonly string[]; readonly selectedFiles: readonly string[] },
): void {
  const glob = project.globTestFiles.bind(project);
  const suites = new Set(suiteFiles);
  project.globTestFiles = async (filters = []) => {
    const found = await glob(filters);
    const own = found.testFiles.filter((file) => !suites.has(file));
    const ours = selectedFiles.filter((file) => passesFileFilters(relative(project.config.root, file), filters));
    return { ...found, testFiles: [...own, ...ours] };
  };
}

// As Vitest does: a filter is a part of the path.
function passesFileFilters(path: string, filters: readonly string[]): boolean {
  return filters.length === 0 || filters.some((filter) => path.includes(filter.replace(/^\.\//, '')));
}
