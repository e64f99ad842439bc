import { inContainer } from '../../src/exec/container.ts';
import { localCarrier } from '../../src/exec/local.ts';
import { remoteExecutor } from '../../src/exec/remote.ts';
import { describeConformance } from './conformance.ts';
import { openBench } from './container-bench.ts';
import type { Bench } from './container-bench.ts';
import { startDocker } from './docker-engine.ts';
import { startPodman } from './podman-engine.ts';
for (const [runtime, start] of [['docker', startDocker], ['podman', startPodman]] as const) {
let bench: Bench | null = null;
describeConformance(`remote ${runtime}`, {
  kind: 'container', secretCharacters: `it's "q" $HOME \`x\` \\ ü`,
  open: async () => { bench = await openBench(runtime, start); return inContainer(remoteExecutor(localCarrier('localhost')), bench.spec()); },
  close: async () => bench?.close(),
});
}
