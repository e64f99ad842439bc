import { expect, it } from 'vitest';
import type { TestProject, TestSpecification } from 'vitest/node';
import { dropUnselected } from '../../../../src/vitest/select/narrow-rerun.ts';

const projectOf = (testFiles: readonly string[], typecheckTestFiles: readonly string[] = []) =>
  ({ globTestFiles: async () => ({ testFiles, typecheckTestFiles }) }) as unknown as TestProject;

const specification = (project: TestProject, moduleId: string) => ({ project, moduleId }) as TestSpecification;

it('drops, in the very array, the files that their own project has no longer', async () => {
  const [one, other] = [projectOf(['/a.test.ts'], ['/types.test-d.ts']), projectOf(['/b.test.ts'])];
  const given = [
    specification(one, '/a.test.ts'),
    specification(one, '/b.test.ts'),
    specification(other, '/b.test.ts'),
    specification(one, '/types.test-d.ts'),
  ];
  const [kept, , alsoKept, types] = given;
  await dropUnselected(given);
  expect(given).toEqual([kept, alsoKept, types]);
});
