import type { ContainerSpec } from '../../src/config/schema/container.ts';
import { describeConformance } from './conformance.ts';
import { openBench } from './container-bench.ts';
import type { Bench } from './container-bench.ts';
import type { TestEngine } from './docker-engine.ts';

/** What every executor promises, of one whose processes run in containers. */
export function describeContainerConformance(
  runtime: ContainerSpec['runtime'],
  { missing, start }: { readonly missing: string | null; readonly start: () => Promise<TestEngine> },
): void {
  let bench: Bench | null = null;
  describeConformance(`inContainer with ${runtime}`, {
    missing,
    kind: 'container',
    // Neither engine can give a line break to a container.
    secretCharacters: `it's "q" $HOME \`x\` \\ ü`,
    open: async () => {
      bench = await openBench(runtime, start);
      return bench.executor();
    },
    close: async () => bench?.close(),
  });
}
