import { describe, expect, it } from 'vitest';
import type { PlannedCell, SessionPlan } from '../../../src/session/plan.ts';
import { describeEdits, editsBetween } from '../../../src/vitest/plan-edits.ts';

interface Given {
  readonly workload?: string;
  readonly thresholds?: string;
  readonly enforce?: boolean;
  readonly bracket?: string;
  readonly skip?: string;
}

const cell = (key: string, given: Given = {}): PlannedCell =>
  ({
    cell: {
      key,
      bracket: given.bracket ?? `[${key}]`,
      tags: [],
      workload: { test_id: key.split('/')[0], enforce: given.enforce ?? true, benchmarks: [] },
    },
    identity: { workloadHash: given.workload ?? 'w', verificationHash: given.thresholds ?? 't' },
    skip: given.skip === undefined ? null : { reason: 'no', detail: given.skip },
  }) as unknown as PlannedCell;

const plan = (...cells: PlannedCell[]): SessionPlan => ({ cells }) as unknown as SessionPlan;
const edits = (before: PlannedCell, after: PlannedCell) => {
  const { testIds: _testIds, ...kinds } = editsBetween(plan(before, cell('z/same')), plan(after, cell('z/same')));
  return Object.fromEntries(Object.entries(kinds).filter(([, keys]) => keys.length > 0));
};

describe('editsBetween', () => {
  it.each([
    ['nothing', {}, {}],
    ['the workload', { workload: 'x' }, { changed: ['a/b'] }],
    ['workload and thresholds', { workload: 'x', thresholds: 'x' }, { changed: ['a/b'] }],
    ['whether it can run', { skip: 'no nodes' }, { changed: ['a/b'] }],
    ['thresholds', { thresholds: 'x' }, { rejudged: ['a/b'] }],
    ['enforce', { enforce: false }, { rejudged: ['a/b'] }],
    ['the name', { bracket: '[other]' }, { renamed: ['a/b'] }],
  ] as const)('finds that %s changed', (_what, given, expected) => {
    expect(edits(cell('a/b'), cell('a/b', given))).toEqual(expected);
  });

  it('finds new and lost cells, and names the configs of all that changed', () => {
    const found = editsBetween(
      plan(cell('a/1'), cell('a/2'), cell('c/1'), cell('d/1')),
      plan(cell('a/2'), cell('b/1'), cell('c/1', { thresholds: 'x' }), cell('d/1')),
    );
    expect(found).toEqual({
      added: ['b/1'],
      gone: ['a/1'],
      changed: [],
      rejudged: ['c/1'],
      renamed: [],
      testIds: new Set(['a', 'b', 'c']),
    });
    expect(describeEdits(found)).toBe('1 cell new · 1 cell under other thresholds · 1 cell gone');
  });
});
