import { groupBy } from '../../../core/group-by.ts';
import { paint } from '../../screen/paint.ts';
import { paragraph } from './layout.ts';
import { judgedRuns } from './pass-summary.ts';
import type { PassSummary } from './pass-summary.ts';

// Of many cells with the same warning their number tells enough.
const NAMED_CELLS = 3;

/** What fails nothing, told once for all the cells that it was seen in. */
export function warningLines(summary: PassSummary): readonly string[] {
  const manifests = judgedRuns(summary).map(({ manifest }) => manifest);
  const seen = manifests.flatMap(({ cell_id: cell, warnings }) => warnings.map((warning) => ({ ...warning, cell })));
  const alike = groupBy(seen, ({ pattern_id: id, source }) => `${id} in ${source}`);
  const lines = [...alike].flatMap(([what, found]) => {
    const cells = found.length > NAMED_CELLS ? `${found.length} cells` : found.map(({ cell }) => cell).join(', ');
    const count = found.reduce((sum, { count: times }) => sum + times, 0);
    return [
      ...paragraph(`${what} x${count}`, { first: ` ${paint('yellow', '!')} ${cells}   `, indent: '   ' }),
      ...paragraph(found[0]?.hint ?? '', '   ').map((line) => paint('dim', line)),
    ];
  });
  return lines.length === 0 ? [] : ['', ...lines];
}

/** Hosts that could not be asked when their run was torn down: something may be running there still. */
export function unconfirmedLines({ runs, artifacts }: PassSummary): readonly string[] {
  const reasons = new Set(runs.flatMap(({ manifest: { teardown } }) => teardown?.unconfirmed ?? []));
  if (reasons.size === 0) return [];
  return [
    '',
    ` ${paint('red', '✗ nobody can say that nothing is left running')}`,
    ...[...reasons].flatMap((reason) => paragraph(reason, '   ')),
    `   next: make the hosts reachable, then run assay reap ${artifacts}`,
  ];
}
