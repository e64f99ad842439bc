import { describe, expect, it } from 'vitest';
import type { TestModule } from 'vitest/node';
import type { PlannedClaim } from '../../../../src/session/planned-claim.ts';
import { missingClaims } from '../../../../src/vitest/report/missing-claims.ts';

const FILE = '/suites/a.test.ts';
const cells = ['[demo-conc1]', '[demo-conc2]'].map((bracket) => ({ cell: { bracket } }));
const claims = cells.flatMap((planned) =>
  ['ready', 'clean'].map((name) => ({ claim: { file: FILE, name }, planned }) as unknown as PlannedClaim),
);
const titles = claims.map(({ claim, planned }) => `${claim.name}${planned.cell.bracket}`);

function moduleWith(names: readonly string[], state = 'passed'): TestModule {
  const children = { allTests: () => names.map((name) => ({ name })) };
  return { moduleId: FILE, state: () => state, children } as unknown as TestModule;
}

describe('claims that went missing', () => {
  it.each([
    { what: 'all in their order', modules: [moduleWith(titles)], missing: [] },
    { what: 'all in another order', modules: [moduleWith(titles.toReversed())], missing: [] },
    { what: 'tests of others among them', modules: [moduleWith(['adds', ...titles, 'adds'])], missing: [] },
    {
      what: 'parts of them in two projects',
      modules: [titles.slice(2), titles.slice(0, 2)].map((part) => moduleWith(part)),
      missing: [],
    },
    {
      what: 'all but one, in another order',
      modules: [moduleWith([titles[3]!, titles[0]!, titles[2]!])],
      missing: [1],
    },
    { what: 'none', modules: [moduleWith([])], missing: [0, 1, 2, 3] },
    { what: 'none of a file that was not loaded', modules: [moduleWith([], 'queued')], missing: [] },
  ])('of $what are those that have no test', ({ modules, missing }) => {
    expect(missingClaims(claims, modules)).toEqual(
      missing.map((at) => `${titles[at]} was selected and never registered by ${FILE}`),
    );
  });

  it('are not asked of another project that selects them too', () => {
    expect(missingClaims([...claims, ...claims], [moduleWith(titles)])).toEqual([]);
  });
});
