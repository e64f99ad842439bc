import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tagNamesOf, titleOf } from '../../src/session/planned-claim.ts';
import type { PlannedClaim } from '../../src/session/planned-claim.ts';
import type { Filters } from '../../src/vitest/select/filters.ts';
import { explainEmptySelection } from '../../src/vitest/select/nearest-selection.ts';
import { selectClaims } from '../../src/vitest/select/selection.ts';
import { CellShards } from '../../src/vitest/select/shard.ts';
import { holdsFor, parseTagFilter } from '../../src/vitest/select/tag-filter.ts';
import { containsWord, readNameFilter } from '../../src/vitest/select/words.ts';
import { cellOf, claimOf, claimsAbout } from '../unit/vitest/select/claims-of-cells.ts';

const tags = ['knob_a', 'knob_b', 'knob_c'];
const claims = fc
  .record({
    cells: fc.uniqueArray(
      fc.record(
        {
          framework: fc.constantFrom('vllm', 'sglang'),
          id: fc.constantFrom('conc1', 'conc2', 'conc16', 'long-conc1', 'long-conc2'),
          tags: fc.subarray(tags),
          skip: fc.constantFrom('insufficient_nodes'),
        },
        { requiredKeys: ['framework', 'id'] },
      ),
      { selector: ({ framework, id }) => `${framework}/${id}`, minLength: 1 },
    ),
    names: fc.subarray(['lifecycle', 'ttft_p99', 'tpot'], { minLength: 1 }),
  })
  .map(({ cells, names }) =>
    claimsAbout(
      cells.map(cellOf),
      names.map((name) => claimOf(name, [`tier_${name.length % 3}`, `benchmark_${name}`])),
    ),
  );

const known = [
  ...tags,
  'framework_vllm',
  'framework_sglang',
  'cell_conc1',
  'cell_long_conc1',
  'skipped_insufficient_nodes',
  'tier_0',
  'tier_1',
  'tier_2',
  'benchmark_ttft_p99',
  'own',
];
const name = fc.constantFrom(...known, 'knob_*', '*conc1', 'cell_*');
const expression = fc.oneof(
  name,
  fc.tuple(name, fc.constantFrom('and', 'or'), name).map((parts) => parts.join(' ')),
  fc.tuple(name, name, name).map(([a, b, c]) => `${a} and not (${b} or ${c})`),
);
const typed = fc.oneof(
  fc.constant(undefined),
  fc
    .array(fc.constantFrom('vllm', 'conc1', 'ttft', 'tier_2', 'long', 'knob_a', 'zzz', 'p9'), { minLength: 1 })
    .map((words) => new RegExp(words.join(' '))),
  fc.constantFrom(/conc1\]$/, /^t.*long/, /^x$/),
);
const filters = fc
  .record({ typed, expressions: fc.array(expression, { maxLength: 2 }) })
  .map(({ typed: pattern, expressions }): Filters => ({
    byName: readNameFilter(pattern),
    byTags: expressions.length === 0 ? null : parseTagFilter(expressions, known),
  }));

/** What a filter says, of one claim with all its tags laid out. */
function isAskedFor(claim: PlannedClaim, { byName, byTags }: Filters): boolean {
  const carried = tagNamesOf(claim);
  const passesName =
    byName.kind === 'all' ||
    (byName.kind === 'pattern'
      ? byName.pattern.test(titleOf(claim))
      : byName.words.every((word) => [titleOf(claim), ...carried].some((text) => containsWord(text, word))));
  const passesTags = (byTags ?? []).every((one) =>
    holdsFor(one, ({ matching }) => carried.some((tag) => matching.has(tag))),
  );
  return passesName && passesTags;
}

describe('a selection', () => {
  it('holds exactly the claims that pass one by one', () => {
    fc.assert(
      fc.property(claims, filters, (all, asked) => {
        expect(selectClaims(all, asked)).toEqual(all.filter((claim) => isAskedFor(claim, asked)));
      }),
      { numRuns: 500 },
    );
  });

  it('that is empty is explained by selections that are not, and have what is said of them', () => {
    let explained = 0;
    fc.assert(
      fc.property(claims, filters, (all, asked) => {
        if (selectClaims(all, asked).length > 0) return;
        for (const line of explainEmptySelection(all, asked)) {
          const suggestion =
            /^ {2}(?:-t (?:"(?<plain>[^"]+)"|'(?<quoted>[^']+)'))? ?(?:--tags-filter "(?<tags>[^"]+)")? {2,}(?<cells>\d+) cells?, (?<claims>\d+) claims?/.exec(
              line,
            );
          if (suggestion === null) continue;
          const { plain, quoted, tags: tagged, cells: cellCount, claims: claimCount } = suggestion.groups ?? {};
          const pattern = plain ?? quoted;
          const selected = selectClaims(all, {
            byName: readNameFilter(pattern === undefined ? undefined : new RegExp(pattern)),
            byTags: tagged === undefined ? null : parseTagFilter([tagged], known),
          });
          expect(selected.length).toBe(Number(claimCount));
          expect(new Set(selected.map(({ planned }) => planned)).size).toBe(Number(cellCount));
          expect(selected.length).toBeGreaterThan(0);
          explained += 1;
        }
      }),
      { numRuns: 500 },
    );
    expect(explained).toBeGreaterThan(0);
  });
});

describe('shards of a selection', () => {
  const keysOf = (kept: readonly PlannedClaim[]) => [...new Set(kept.map(({ planned }) => planned.cell.key))];
  const dealt = fc.tuple(claims, fc.nat(3), fc.integer({ min: 1, max: 6 })).map(([all, rounds, count]) => {
    // What several projects select, one after the other.
    const batches = Array.from({ length: rounds + 1 }, (_, round) =>
      all.filter((_claim, index) => index % (round + 1) === 0),
    ).toReversed();
    const shards = Array.from({ length: count }, (_, index) => {
      const shard = new CellShards({ index: index + 1, count });
      return { kept: batches.map((batch) => shard.keep(batch)), why: shard.explainEmpty() };
    });
    return { batches, shards };
  });

  it('hold every claim of every project once', () => {
    fc.assert(
      fc.property(dealt, ({ batches, shards }) => {
        for (const [round, batch] of batches.entries()) {
          const all = shards.flatMap(({ kept }) => kept[round] ?? []);
          expect(all.length).toBe(batch.length);
          expect(new Set(all)).toEqual(new Set(batch));
        }
      }),
    );
  });

  it('never share a cell, and differ by one at most in cells that run and in cells that do not', () => {
    fc.assert(
      fc.property(dealt, ({ shards }) => {
        const cells = shards.map(({ kept }) => keysOf(kept.flat()));
        expect(new Set(cells.flat()).size).toBe(cells.flat().length);
        for (const isSkipped of [false, true]) {
          const sizes = shards.map(
            ({ kept }) => keysOf(kept.flat().filter(({ planned }) => (planned.skip !== null) === isSkipped)).length,
          );
          expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  it('say why they have no cell exactly when they have none of those that are selected', () => {
    fc.assert(
      fc.property(dealt, ({ shards }) => {
        for (const { kept, why } of shards) expect(why === null).toBe(kept.flat().length > 0);
      }),
    );
  });
});
