import { relative } from 'node:path';

/** A path as configs, reports and messages have it: from the working directory, as one of this machine says nothing elsewhere. */
export function shownPath(absolute: string): string {
  return relative(process.cwd(), absolute);
}
