import { AssayError } from '../core/errors.ts';
import { toEnvironment } from '../session/environment.ts';
import type { Options } from './arguments.ts';
import { withProgress } from './progress.ts';
import { claimFilters, isFiltered, typedOptions } from './session-options.ts';
import type { ClaimFilters } from './session-options.ts';
import { planInVitest } from './user-vitest.ts';
import type { VitestPlan } from './user-vitest.ts';

/** What a run with these options would do, in the folder where the user stands. */
export async function planSessionOf(options: Options): Promise<VitestPlan> {
  Object.assign(process.env, toEnvironment(typedOptions(options)));
  const filters = claimFilters(options);
  const plan = await withProgress('planning ...', () => planInVitest(process.cwd(), filters));
  if (isFiltered(filters) && plan.sessions.every(({ claims }) => claims.length === 0)) throw nothingSelected(filters);
  return plan;
}

function nothingSelected({ testNamePattern, tagsFilter = [] }: ClaimFilters): AssayError {
  const given = [
    ...(testNamePattern === undefined ? [] : [`-t "${testNamePattern}"`]),
    ...tagsFilter.map((expression) => `--tags-filter "${expression}"`),
  ];
  return new AssayError('SELECTION_INVALID', `${given.join(' ')} selects no claim`, {
    hint: '`assay plan --json` has the names and tags of all claims; every word must occur',
  });
}
