import type { RunnerTask, RunnerTestFile, Vitest } from 'vitest/node';

/** What Vitest merges, before it reports it. Not public: where it is missing, plain Vitest stands. */
interface Merging {
  readonly blobs?: { readonly files: RunnerTestFile[] };
}

/**
 * Makes one report of those that several shards made of a suite, each about its own cells: of a file that is reported
 * more than once Vitest would keep the last alone, and with it forget failures. Files without claims stay as they are.
 */
export function joinShards({ state }: Vitest): void {
  const files = (state as unknown as Merging).blobs?.files ?? [];
  const first = new Map<string, RunnerTestFile>();
  const others = files.filter((file) => {
    const known = first.get(file.id);
    first.set(file.id, known ?? file);
    if (known === undefined || !file.tasks.some(isClaim)) return true;
    take(known, file);
    return false;
  });
  files.splice(0, files.length, ...others);
}

function isClaim(task: RunnerTask): boolean {
  return task.meta.assay !== undefined || (task.type === 'suite' && task.tasks.some(isClaim));
}

function take(into: RunnerTestFile, file: RunnerTestFile): void {
  // Ids count the tests of a file, so that those of two shards are the same.
  for (const task of file.tasks) adopt(task, { from: file, into, mark: `+${into.tasks.length}` });
  into.tasks.push(...file.tasks);
  const result = joined(into.result, file.result);
  if (result !== undefined) into.result = result;
}

type Result = RunnerTestFile['result'];

function joined(one: Result, other: Result): Result {
  if (one === undefined || other === undefined) return one ?? other;
  const errors = [...(one.errors ?? []), ...(other.errors ?? [])];
  return {
    ...one,
    state: one.state === 'fail' || other.state === 'fail' ? 'fail' : one.state,
    duration: (one.duration ?? 0) + (other.duration ?? 0),
    // A file that has a list of errors, be it empty, counts as one that could not be loaded.
    ...(errors.length === 0 ? {} : { errors }),
  };
}

interface Adoption {
  readonly from: RunnerTestFile;
  readonly into: RunnerTestFile;
  readonly mark: string;
}

function adopt(task: RunnerTask, adoption: Adoption): void {
  const { from, into, mark } = adoption;
  task.id += mark;
  task.file = into;
  if (task.suite === from) task.suite = into;
  if (task.type === 'suite') for (const one of task.tasks) adopt(one, adoption);
}
