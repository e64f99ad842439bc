import { AssayError } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import { tagNamesOf } from '../session/planned-claim.ts';
import type { ClaimFilters } from './session-options.ts';
import type { VitestPlan } from './user-vitest.ts';

/** Makes the plan that other filters would make. */
type MakePlan = (filters: ClaimFilters) => Promise<VitestPlan>;

/** Filters that select no claim, and which of their words is to blame. Makes a plan for each word to find out. */
export async function nothingSelected(filters: ClaimFilters, makePlan: MakePlan): Promise<AssayError> {
  const { testNamePattern, tagsFilter = [] } = filters;
  const given = [
    ...(testNamePattern === undefined ? [] : [`-t "${testNamePattern}"`]),
    ...tagsFilter.map((expression) => `--tags-filter "${expression}"`),
  ];
  return new AssayError('SELECTION_INVALID', `${given.join(' ')} selects no claim`, {
    hint: await hintFor(filters, makePlan),
  });
}

/** Whether any claim is selected. */
export function isEmpty({ sessions }: VitestPlan): boolean {
  return sessions.every(({ claims }) => claims.length === 0);
}

const EVERYTHING = '`assay plan --json` has the names and tags of all claims';

async function hintFor({ testNamePattern = '', tagsFilter }: ClaimFilters, makePlan: MakePlan): Promise<string> {
  const words = testNamePattern.trim().split(/\s+/);
  // What is no word is a regular expression.
  if (tagsFilter !== undefined || !words.every((word) => /^[\w.:=-]+$/.test(word))) return EVERYTHING;
  for (const word of words) {
    if (words.length === 1 || isEmpty(await makePlan({ testNamePattern: word })))
      return hintForWord(word, await makePlan({}));
  }
  return `each word occurs, but no claim has all of them: ${EVERYTHING}`;
}

function hintForWord(word: string, { sessions }: VitestPlan): string {
  const names = sessions.flatMap(({ claims }) =>
    claims.flatMap((claim) => [claim.claim.name, ...tagNamesOf(claim).flatMap(wordsOfTag)]),
  );
  const meant = nearest(word, new Set(names));
  return `"${word}" occurs in no tag and no name: ${meant === null ? EVERYTHING : `did you mean ${meant}?`}`;
}

/** `framework_vllm` answers to `vllm` as well. */
function wordsOfTag(tag: string): readonly string[] {
  return [tag, tag.slice(tag.indexOf('_') + 1), ...tag.split('_')];
}
