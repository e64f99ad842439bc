import { statSync } from 'node:fs';
import { AssayError } from '../core/errors.ts';
import { toEnvironment } from '../session/environment.ts';
import type { Options } from './arguments.ts';
import { nothingSelected } from './nothing-selected.ts';
import { withProgress } from './progress.ts';
import { claimFilters, isFiltered, typedOptions } from './session-options.ts';
import { planInVitest } from './user-vitest.ts';
import type { VitestPlan } from './user-vitest.ts';

/** What a run with these options would do, in the folder where the user stands. */
export async function planSessionOf(options: Options): Promise<VitestPlan> {
  const typed = typedOptions(options);
  const folder = typed.configs.find((path) => statSync(path, { throwIfNoEntry: false })?.isDirectory());
  if (folder !== undefined) throw isFolder(folder);
  Object.assign(process.env, toEnvironment(typed));
  const filters = claimFilters(options);
  const plan = await withProgress('planning', () => planInVitest(process.cwd(), filters));
  const empty = isFiltered(filters) ? nothingSelected(plan) : null;
  if (empty !== null) throw empty;
  return plan;
}

function isFolder(path: string): AssayError {
  return new AssayError('USAGE', `--configs ${path}: this is a folder`, {
    hint: `write --configs '${path.replace(/\/+$/, '')}/**/*.yaml'`,
  });
}
