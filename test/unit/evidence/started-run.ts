import { startedRun as startedRequest } from '../started-run.ts';

/** The directory of a run that no job host has begun to work on. */
export function startedRun(): string {
  return startedRequest().folder;
}
