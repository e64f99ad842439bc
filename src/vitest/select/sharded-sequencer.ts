import type { TestSequencer, TestSequencerConstructor, TestSpecification, Vitest } from 'vitest/node';

/**
 * The sequencer that was given, but for `--shard`: suite files are in every
 * shard, for it is their cells that are dealt; the other files are split as before.
 */
export function shardOnlyOthers(
  Sequencer: TestSequencerConstructor,
  isSuiteFile: (file: string) => boolean,
): TestSequencerConstructor {
  return class implements TestSequencer {
    readonly #given: TestSequencer;

    constructor(vitest: Vitest) {
      this.#given = new Sequencer(vitest);
    }

    async shard(files: TestSpecification[]): Promise<TestSpecification[]> {
      const suites = files.filter(({ moduleId }) => isSuiteFile(moduleId));
      const others = files.filter(({ moduleId }) => !isSuiteFile(moduleId));
      return [...suites, ...(await this.#given.shard(others))];
    }

    async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
      return this.#given.sort(files);
    }
  };
}
