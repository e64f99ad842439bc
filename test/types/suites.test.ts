import { describe, expect, expectTypeOf, inject, it } from 'vitest';
import { claims } from 'vitest-assay/claims';
import type { Claim, ClaimCell, ClaimMeta, Run, SampleColumns, Series, Verdict } from 'vitest-assay/claims';

// What is written here is checked by `npm run check:types`; nothing registers outside of a session.
describe('a suite of the user', () => {
  it('needs no annotation', () => {
    const declared = claims({
      ttft_p99: { benchmark: 'ttft_p99', tags: ['latency'], check: ({ run }) => run.verdict('ttft_p99') },
      by_hand: {
        when: (cell) => cell.workloadKind === 'inference' && cell.params['isl'] === 64,
        async check({ run, cell, expect: expectHere, warn }) {
          expectTypeOf(run).toEqualTypeOf<Run>();
          expectTypeOf(cell).toEqualTypeOf<ClaimCell>();
          expectTypeOf(cell.topology).toEqualTypeOf<'single' | 'distributed' | 'disagg'>();
          expectTypeOf(run.scalar('requests')).toEqualTypeOf<number>();
          expectTypeOf(run.verdict('ttft_p99')).toEqualTypeOf<Verdict>();
          expectTypeOf(await run.samples()).toEqualTypeOf<SampleColumns>();
          expectTypeOf(await run.trajectory()).toEqualTypeOf<readonly Series[]>();
          warn(cell.cellId);
          expectHere(run.verdict('ttft_p99')).toHold();
          expectHere(run.verdict('ttft_p99')).not.toHold();
        },
      },
    });
    expect(Object.keys(declared)).toEqual(['ttft_p99', 'by_hand']);
    expectTypeOf(declared.by_hand).toEqualTypeOf<Claim>();
    // @ts-expect-error there is no claim of that name
    expect(declared.no_such).toBe(undefined);
  });

  it('does not compile with a mistake in it', () => {
    // @ts-expect-error a misspelt field
    claims({ a: { benchmrk: 'ttft_p99', check: () => undefined } });
    // @ts-expect-error no check
    claims({ a: { benchmark: 'ttft_p99' } });
    // @ts-expect-error what a check returns is a verdict or nothing
    claims({ a: { check: () => 5 } });
    // @ts-expect-error tags are a list
    claims({ a: { tags: 'slow', check: () => undefined } });
    // @ts-expect-error a predicate answers yes or no
    claims({ a: { when: (cell) => cell.cellId, check: () => undefined } });
    claims({
      a: {
        check({ run, cell, expect: expectHere }) {
          // @ts-expect-error a cell has no such field
          expectHere(cell.gpu).toBe('mi300x');
          // @ts-expect-error a cell is not for changing
          cell.cellId = 'other';
          // @ts-expect-error it takes nothing
          expectHere(run.verdict('x')).toHold('x');
        },
      },
    });
  });
});

describe("Vitest's own types", () => {
  it('know what claims leave behind, and what workers are given', ({ task }) => {
    expectTypeOf(task.meta.assay).toEqualTypeOf<ClaimMeta | undefined>();
    expectTypeOf<NonNullable<ClaimMeta['verdict']>['margin']>().toEqualTypeOf<number | null>();
    expectTypeOf(inject('assay')?.socket).toEqualTypeOf<string | undefined>();
    // @ts-expect-error there is no such field
    expect(task.meta.assay?.verdicts).toBe(undefined);
  });
});
