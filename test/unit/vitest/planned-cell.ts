import type { PlannedCell } from '../../../src/session/plan.ts';

/** As much of a planned cell as what watches runs looks at. */
export function plannedCell(cellId: string): PlannedCell {
  return { cell: { key: `demo/${cellId}`, cellId, workload: { framework: 'demo' } } } as PlannedCell;
}
