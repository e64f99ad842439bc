import type { TestModule, Vitest } from 'vitest/node';
import type { PlannedClaim } from '../../session/planned-claim.ts';

/** What a session has to list, and why that may be nothing. */
interface Listed {
  selected(): readonly PlannedClaim[];
  /** Why no claim is selected, in lines. */
  explainEmpty(): readonly string[];
  /** Why this shard has nothing to do; null when it has, or when nothing is selected at all. */
  explainEmptyShard(): string | null;
}

const sessions = new WeakMap<Vitest, Listed[]>();

/**
 * Says on stderr why `vitest list` shows nothing, neither a test nor with
 * `--filesOnly` a file, and fails it when nothing is selected. No reporter hears
 * of a listing. Makes Vitest 5 load the files as Vitest 4 does: it would find no
 * claim in their text.
 */
export function explainEmptyListing(vitest: Vitest, listed: Listed): void {
  const known = sessions.get(vitest);
  if (known !== undefined) {
    known.push(listed);
    return;
  }
  const all = [listed];
  sessions.set(vitest, all);
  const collect = vitest.collect.bind(vitest);
  vitest.collect = async (filters, options = {}) => {
    const found = await collect(filters, { ...options, staticParse: options.staticParse ?? false });
    if (found.unhandledErrors.length === 0 && found.testModules.every(isIdle)) explain(vitest, all);
    return found;
  };
  const filesOf = vitest.getRelevantTestSpecifications.bind(vitest);
  vitest.getRelevantTestSpecifications = async (filters) => {
    const files = await filesOf(filters);
    if (files.length === 0) explain(vitest, all);
    return files;
  };
}

/** Whether a file has neither a test that would run nor an error that says why. */
function isIdle(module: TestModule): boolean {
  const tests = [...module.children.allTests()];
  return module.errors().length === 0 && tests.every((test) => test.result().state === 'skipped');
}

function explain({ logger }: Vitest, listed: readonly Listed[]): void {
  const claims = listed.flatMap((session) => session.selected());
  if (claims.length > 0) {
    logger.error(`${claims.length === 1 ? '1 claim is' : `${claims.length} claims are`} selected, ${whyNone(claims)}`);
    return;
  }
  const shards = listed.flatMap((session) => session.explainEmptyShard() ?? []);
  const lines = shards.length > 0 ? shards : listed.flatMap((session) => session.explainEmpty());
  for (const line of lines) logger.error(line);
  if (shards.length === 0) process.exitCode = 1;
}

function whyNone(claims: readonly PlannedClaim[]): string {
  const reasons = new Set(claims.flatMap(({ planned }) => planned.skip?.detail ?? []));
  return reasons.size === 0 ? 'in none of the files asked for' : `and none would run: ${[...reasons].join('; ')}`;
}
