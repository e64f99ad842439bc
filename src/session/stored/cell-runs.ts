import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The folders below a folder, absolute; none where there is no such folder. */
export function foldersIn(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({ name }) => join(folder, name));
}

/** The runs of one workload, newest first, absolute: run ids begin with their time. */
export function newestFirst(workloadFolder: string): readonly string[] {
  return foldersIn(workloadFolder).toSorted().toReversed();
}

/** What a file says, if it is whole; null for one that is damaged or not there, which others report. */
export function readJsonOrNull(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return null;
  }
}
