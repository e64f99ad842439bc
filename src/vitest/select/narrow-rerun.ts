import type { TestProject, TestSpecification } from 'vitest/node';

/**
 * Takes out of what Vitest is about to run again the files that hold nothing of what is selected by now: it runs every
 * file that it ever ran. To be called in `onTestsRerun`, whose array is the one that is run.
 */
export async function dropUnselected(specifications: TestSpecification[]): Promise<void> {
  const filesOf = new Map<TestProject, ReadonlySet<string>>();
  for (const project of new Set(specifications.map((specification) => specification.project))) {
    const { testFiles, typecheckTestFiles } = await project.globTestFiles();
    filesOf.set(project, new Set([...testFiles, ...typecheckTestFiles]));
  }
  const selected = specifications.filter(({ project, moduleId }) => filesOf.get(project)?.has(moduleId) === true);
  specifications.splice(0, specifications.length, ...selected);
}
