import type { TestCase, TestModule } from 'vitest/node';

/** All tests of some files, one after the other: of a hundred thousand nobody needs a list. */
export function* testsIn(modules: Iterable<TestModule>): Generator<TestCase, void> {
  for (const module of modules) yield* module.children.allTests();
}
