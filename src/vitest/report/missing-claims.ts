import type { TestModule } from 'vitest/node';
import { groupBy } from '../../core/group-by.ts';
import { titleOf } from '../../session/planned-claim.ts';
import type { PlannedClaim } from '../../session/planned-claim.ts';
import { isUnfinished } from './lost-files.ts';
import { testsIn } from './tests-in.ts';

/** Of many claims that went missing the first few tell enough. */
const SHOWN = 5;

/** The claims that a loaded file was to register and did not: what was asked for and never happened is a failure. */
export function missingClaims(selected: readonly PlannedClaim[], modules: readonly TestModule[]): readonly string[] {
  const loaded = modules.filter((module) => !isUnfinished(module));
  const claimsOf = groupBy(selected, ({ claim }) => claim.file);
  const gone = new Set(
    [...groupBy(loaded, ({ moduleId }) => moduleId)].flatMap(([file, ofFile]) =>
      missingOf(claimsOf.get(file) ?? [], ofFile),
    ),
  );
  const missing = selected.filter((claim) => gone.has(claim));
  return [
    ...missing
      .slice(0, SHOWN)
      .map((claim) => `${titleOf(claim)} was selected and never registered by ${claim.claim.file}`),
    ...(missing.length > SHOWN ? [`and ${missing.length - SHOWN} more were never registered`] : []),
  ];
}

function missingOf(claims: readonly PlannedClaim[], modules: readonly TestModule[]): readonly PlannedClaim[] {
  const others = claims.slice(registeredInOrder(claims, modules));
  if (others.length === 0) return [];
  const names = new Set<string>();
  for (const { name } of testsIn(modules)) names.add(name);
  return others.filter((claim) => !names.has(titleOf(claim)));
}

/** How many of the first claims have their tests in the very order in which they were selected, as a rule all. */
function registeredInOrder(claims: readonly PlannedClaim[], modules: readonly TestModule[]): number {
  let count = 0;
  for (const { name } of testsIn(modules)) {
    const claim = claims[count];
    if (claim !== undefined && isTitle(name, claim)) count += 1;
  }
  return count;
}

/** Whether a test is named like a claim, without writing the title of each of a hundred thousand. */
function isTitle(name: string, { claim, planned }: PlannedClaim): boolean {
  const { bracket } = planned.cell;
  return name.length === claim.name.length + bracket.length && name.startsWith(claim.name) && name.endsWith(bracket);
}
