import { relative } from 'node:path';
import type { TestModule } from 'vitest/node';
import { groupBy } from '../../core/group-by.ts';
import type { PlannedClaim } from '../../session/planned-claim.ts';
import type { LostFile } from './summary/pass-summary.ts';

/** Suite files of a pass that never came to their end, as when the worker that judged one was killed. */
export function lostFiles(selected: readonly PlannedClaim[], modules: readonly TestModule[]): readonly LostFile[] {
  const modulesOf = groupBy(modules, ({ moduleId }) => moduleId);
  return [...groupBy(selected, ({ claim }) => claim.file)].flatMap(([file, claims]) => {
    const ofFile = modulesOf.get(file) ?? [];
    if (ofFile.length > 0 && !ofFile.some(isUnfinished)) return [];
    const judged = ofFile.reduce((sum, module) => sum + judgedIn(module), 0);
    const notJudged = Math.max(0, claims.length - judged);
    return [{ file: relative(process.cwd(), file), claims: claims.length, notJudged }];
  });
}

/** Whether a file has no outcome although its pass is over. */
export function isUnfinished(module: TestModule): boolean {
  const state = module.state();
  return state === 'queued' || state === 'pending';
}

function judgedIn(module: TestModule): number {
  return [...module.children.allTests()].filter((test) => test.result().state !== 'pending').length;
}
