import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { subfoldersOf } from '../../evidence/store/find-runs.ts';
import type { OnUnreadable } from '../../evidence/store/find-runs.ts';

/** The folders below a folder, absolute; none where there is no such folder, or it cannot be read. */
export function foldersIn(folder: string, onUnreadable: OnUnreadable = () => undefined): readonly string[] {
  return subfoldersOf(folder, onUnreadable).map((name) => join(folder, name));
}

/** The runs of one workload, newest first, absolute: run ids begin with their time. */
export function newestFirst(workloadFolder: string, onUnreadable?: OnUnreadable): readonly string[] {
  return foldersIn(workloadFolder, onUnreadable).toSorted().toReversed();
}

/** What a file says, if it is whole; null for one that is damaged or not there, which others report. */
export function readJsonOrNull(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return null;
  }
}
