import type { RunnerTask, RunnerTestFile, Vitest } from 'vitest/node';
import { describe, expect, it } from 'vitest';
import { joinShards } from '../../../../src/vitest/report/join-shards.ts';

interface Reported {
  readonly id: string;
  readonly state: 'pass' | 'fail';
  readonly tests: readonly string[];
  readonly errors?: readonly string[];
}

/** The report of one shard on one file, as Vitest reads it; what is in capitals is a claim. */
function report({ id, state, tests, errors }: Reported): RunnerTestFile {
  const result = {
    state,
    duration: 5,
    ...(errors === undefined ? {} : { errors: errors.map((message) => ({ message })) }),
  };
  const file = { id, type: 'suite', meta: {}, tasks: [] as RunnerTask[], result } as unknown as RunnerTestFile;
  file.tasks.push(
    ...tests.map((name, index) => {
      const meta = name === name.toUpperCase() ? { assay: {} } : {};
      return { id: `${id}_${index}`, type: 'test', name, file, suite: file, meta } as unknown as RunnerTask;
    }),
  );
  return file;
}

function join(...reports: readonly Reported[]): readonly RunnerTestFile[] {
  const files = reports.map(report);
  joinShards({ state: { blobs: { files } } } as unknown as Vitest);
  return files;
}

describe('joinShards', () => {
  it('makes one file of all reports on a suite, with a failure wherever it is', () => {
    const [latency, own, ...more] = join(
      { id: 'latency', state: 'fail', tests: ['A', 'B'] },
      { id: 'own', state: 'pass', tests: ['mine'] },
      { id: 'latency', state: 'pass', tests: ['C'] },
      { id: 'latency', state: 'pass', tests: ['D'] },
    );
    expect(more).toEqual([]);
    expect(own?.tasks.map(({ name }) => name)).toEqual(['mine']);
    expect(latency?.tasks.map(({ name }) => name)).toEqual(['A', 'B', 'C', 'D']);
    expect(latency?.result).toEqual({ state: 'fail', duration: 15 });
    expect(new Set(latency?.tasks.map(({ id }) => id)).size).toBe(4);
    expect(latency?.tasks.every(({ file, suite }) => file === latency && suite === latency)).toBe(true);
  });

  it('takes over the failure and the errors of later reports', () => {
    const [file] = join(
      { id: 'a', state: 'pass', tests: ['A'], errors: ['one'] },
      { id: 'a', state: 'fail', tests: ['B'], errors: ['two'] },
    );
    expect(file?.result).toEqual({ state: 'fail', duration: 10, errors: [{ message: 'one' }, { message: 'two' }] });
  });

  it('leaves other files, and a Vitest that merges otherwise, alone', () => {
    const twice = join({ id: 'own', state: 'fail', tests: ['mine'] }, { id: 'own', state: 'pass', tests: ['mine'] });
    expect(twice.map(({ result }) => result?.state)).toEqual(['fail', 'pass']);
    expect(() => joinShards({ state: {} } as unknown as Vitest)).not.toThrow();
  });
});
