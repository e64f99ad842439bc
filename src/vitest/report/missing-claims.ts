import type { TestModule } from 'vitest/node';
import { titleOf } from '../../session/planned-claim.ts';
import type { PlannedClaim } from '../../session/planned-claim.ts';
import { isUnfinished } from './lost-files.ts';

/** Of many claims that went missing the first few tell enough. */
const SHOWN = 5;

/** The claims that a loaded file was to register and did not: what was asked for and never happened is a failure. */
export function missingClaims(selected: readonly PlannedClaim[], modules: readonly TestModule[]): readonly string[] {
  const loaded = modules.filter((module) => !isUnfinished(module));
  const files = new Set(loaded.map(({ moduleId }) => moduleId));
  const registered = new Set(loaded.flatMap((module) => [...module.children.allTests()]).map(({ name }) => name));
  const missing = selected.filter((claim) => files.has(claim.claim.file) && !registered.has(titleOf(claim)));
  return [
    ...missing
      .slice(0, SHOWN)
      .map((claim) => `${titleOf(claim)} was selected and never registered by ${claim.claim.file}`),
    ...(missing.length > SHOWN ? [`and ${missing.length - SHOWN} more were never registered`] : []),
  ];
}
