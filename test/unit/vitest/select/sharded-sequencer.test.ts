import { describe, expect, it } from 'vitest';
import { BaseSequencer } from 'vitest/node';
import type { TestSequencerConstructor, TestSpecification, Vitest } from 'vitest/node';
import { shardOnlyOthers } from '../../../../src/vitest/select/sharded-sequencer.ts';

const specifications = (...names: readonly string[]) =>
  names.map((name) => ({ moduleId: `/root/${name}` }) as TestSpecification);
const vitestOf = (index: number, count: number) => ({ config: { root: '/root', shard: { index, count } } }) as Vitest;
const names = (files: readonly TestSpecification[]) => files.map(({ moduleId }) => moduleId.slice('/root/'.length));
const isSuiteFile = (file: string) => file.includes('suite');

const shardsOf = (given: TestSequencerConstructor, count: number, files: readonly TestSpecification[]) =>
  Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const Sequencer = shardOnlyOthers(given, isSuiteFile);
      return names(await new Sequencer(vitestOf(index + 1, count)).shard([...files]));
    }),
  );

describe('shardOnlyOthers', () => {
  it('leaves suite files in every shard and splits the others as Vitest alone would', async () => {
    const own = specifications('a.test.ts', 'b.test.ts', 'c.test.ts');
    const shards = await shardsOf(BaseSequencer, 2, [...specifications('suite-1.test.ts'), ...own]);
    const plain = await Promise.all([1, 2].map((index) => new BaseSequencer(vitestOf(index, 2)).shard([...own])));
    expect(shards).toEqual(plain.map((files) => ['suite-1.test.ts', ...names(files)]));
  });

  it('asks the sequencer of the user for the order and for the shards of the other files', async () => {
    class Backwards extends BaseSequencer {
      override async shard(files: TestSpecification[]): Promise<TestSpecification[]> {
        return files.slice(0, 1);
      }

      override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
        return files.toReversed();
      }
    }
    const files = specifications('a.test.ts', 'suite-1.test.ts', 'b.test.ts');
    expect(await shardsOf(Backwards, 1, files)).toEqual([['suite-1.test.ts', 'a.test.ts']]);
    const Sequencer = shardOnlyOthers(Backwards, isSuiteFile);
    expect(names(await new Sequencer(vitestOf(1, 1)).sort(files))).toEqual([
      'b.test.ts',
      'suite-1.test.ts',
      'a.test.ts',
    ]);
  });
});
