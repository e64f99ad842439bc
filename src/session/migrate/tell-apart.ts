import { groupBy } from '../../core/group-by.ts';
import { cellIdOf } from './draft.ts';
import type { Draft } from './draft.ts';

interface Named {
  readonly draft: Draft;
  readonly naming: { readonly testId: string };
}

/**
 * Gives configs with cells of the same name a knob each that stands in their test ids: how many nodes they take, where
 * that tells them apart, else their own names. The loader takes no two cells that are called alike.
 */
export function tellApart(all: readonly Named[]): void {
  const called = all.flatMap((named) => cellNames(named.draft).map((name) => ({ name, named })));
  for (const rivals of groupBy(called, ({ name }) => name).values()) {
    const drafts = [...new Set(rivals.map(({ named }) => named))];
    if (drafts.length < 2) continue;
    const nodes = drafts.map(({ draft }) => nodesIn(draft));
    const isTelling = new Set(nodes).size === drafts.length;
    for (const [index, { draft, naming }] of drafts.entries()) {
      const knob = isTelling && draft.idKnob !== 'config' ? 'nodes' : 'config';
      if (draft.idKnob !== null && draft.idKnob !== knob) delete draft.knobs[draft.idKnob];
      draft.idKnob = knob;
      draft.knobs[knob] = knob === 'nodes' ? (nodes[index] ?? '') : naming.testId;
    }
  }
}

function cellNames(draft: Draft): readonly string[] {
  const { spec, model, targetGpu, knobs, cells } = draft;
  const shared = [spec.name, model['id'], targetGpu, knobs['attention'], knobs['quant']];
  return cells.map((cell) => JSON.stringify([...shared, cellIdOf(draft, cell)]));
}

/** The nodes of all roles; `several` where a count is still to be filled in. */
function nodesIn({ topology }: Draft): number | string {
  const counts = Object.values(topology).map(({ count }) => count);
  return counts.every((count) => typeof count === 'number') ? counts.reduce((a, b) => a + b, 0) : 'several';
}
